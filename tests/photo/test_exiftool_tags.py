"""What ExifTool reads from a photo before and after, tag by tag."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from files import marks, write

from depthfx.photo import exif as exif_block
from depthfx.photo.location import stripped, stripped_iptc, stripped_xmp
from depthfx.photo.read import read_photo
from depthfx.photo.write import write_photo

EXIFTOOL = shutil.which("exiftool")
pytestmark = pytest.mark.skipif(EXIFTOOL is None, reason="exiftool is not on the PATH")

PHOTOS = Path(__file__).parents[3] / "shared" / "photos"

GROUPS = ("IFD0", "ExifIFD", "GPS", "InteropIFD", "XMP", "IPTC")
OURS = {
    "IFD0:Orientation",
    "IFD0:Software",
    "IFD0:ImageWidth",
    "IFD0:ImageHeight",
    "ExifIFD:ExifImageWidth",
    "ExifIFD:ExifImageHeight",
    "XMP-tiff:Orientation",
    "XMP-tiff:ImageWidth",
    "XMP-tiff:ImageHeight",
    "XMP-exif:ExifImageWidth",
    "XMP-exif:ExifImageHeight",
    "XMP-tiff:YCbCrSubSampling",
    "XMP-xmp:ModifyDate",
    "XMP-xmp:MetadataDate",
    "XMP-xmpMM:History",
    "XMP-xmpNote:HasExtendedXMP",
}
"""Tags that say something else of the picture that is written."""
OTHER_PICTURES = ("XMP-GDepth", "XMP-GImage", "XMP-hdrgm", "XMP-GContainer", "XMP-Container")
WRITTEN = [
    "-IFD0:Make=Maker",
    "-IFD0:Artist=\u00c5sa",
    "-IFD0:Orientation#=6",
    "-IFD0:Copyright=C",
    "-IFD0:XResolution=300",
    "-ExifIFD:ISO=200",
    "-ExifIFD:ExposureTime=1/125",
    "-ExifIFD:FocalLength=28",
    "-ExifIFD:LensModel=Lens 28mm",
    "-ExifIFD:DateTimeOriginal=2024:05:01 10:11:12",
    "-ExifIFD:OffsetTimeOriginal=+02:00",
    "-ExifIFD:UserComment=\u6587",
    "-GPS:GPSLatitude=48.2",
    "-GPS:GPSLatitudeRef=N",
    "-GPS:GPSLongitude=16.37",
    "-GPS:GPSLongitudeRef=E",
    "-GPS:GPSAltitude=171",
    "-XMP-dc:Title=\u00dcber",
    "-XMP-dc:Subject=a",
    "-XMP-dc:Subject=b",
    "-XMP-tiff:Orientation#=6",
    "-XMP-exif:GPSLatitude=48.2",
    "-XMP-xmp:Rating=4",
    "-XMP-photoshop:City=Wien",
    "-XMP-photoshop:Country=Austria",
    "-XMP-iptcCore:Location=Prater",
    "-XMP-iptcExt:LocationShownCity=Graz",
    "-XMP-iptcExt:LocationCreatedCountryName=Austria",
    "-IPTC:ObjectName=Title",
    "-IPTC:Keywords=a",
    "-IPTC:Keywords=b",
    "-IPTC:City=Wien",
    "-IPTC:Sub-location=Prater",
    "-IPTC:Country-PrimaryLocationName=Austria",
]
PLACES = ("gps", "city", "country", "location", "wien", "graz", "prater", "austria")


def tags(path: Path) -> dict[str, object]:
    """Of the groups compared, by "Group:Tag"."""
    found = subprocess.run(
        [str(EXIFTOOL), "-j", "-G1", "-a", "-n", "-struct", "-charset", "iptc=UTF8", str(path)],
        capture_output=True,
        check=False,
    )
    everything = json.loads(found.stdout)[0]
    return {name: text for name, text in everything.items() if name.startswith(GROUPS)}


def same_but_for_ours(before: dict[str, object], after: dict[str, object]) -> None:
    kept = {
        name: text
        for name, text in before.items()
        if name not in OURS and not name.startswith(OTHER_PICTURES)
    }
    assert {name: after.get(name) for name in kept} == kept


@pytest.fixture
def tagged(tmp_path: Path) -> Path:
    path = write(tmp_path / "a.jpg", marks(np.uint8, 30, 40))
    subprocess.run([str(EXIFTOOL), "-q", "-overwrite_original", *WRITTEN, str(path)], check=True)
    assert len(tags(path)) > 30
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_what_exiftool_has_written_is_kept(tagged: Path, suffix: str) -> None:
    after = tagged.with_name(f"b{suffix}")
    left_out = write_photo(read_photo(tagged), after)
    before = tags(tagged)
    if any("IPTC" in line for line in left_out):
        before = {name: text for name, text in before.items() if not name.startswith("IPTC")}
    found = tags(after)
    if suffix == ".tif":  # whose pixels are RGB
        del before["IFD0:YCbCrPositioning"]
    same_but_for_ours(before, found)
    assert found["IFD0:Orientation"] == 1 == found["XMP-tiff:Orientation"]
    assert str(found["IFD0:Software"]).startswith("depthfx")


def test_no_place_is_left_that_exiftool_finds(tagged: Path) -> None:
    whole = read_photo(tagged).metadata
    places = [text for text in map(str.lower, map(str, tags(tagged).items())) if _tells(text)]
    assert len(places) > 10
    exif = exif_block.to_bytes(stripped(exif_block.parse(whole.exif)))
    for name, block in (
        ("a.exif", b"Exif\0\0" + exif),
        ("a.xmp", stripped_xmp(whole.xmp)),
        ("a.iptc", stripped_iptc(whole.iptc)),
    ):
        path = tagged.with_name(name)
        path.write_bytes(block)
        assert not [text for text in map(str.lower, map(str, tags(path).items())) if _tells(text)]


def _tells(text: str) -> bool:
    return any(place in text for place in PLACES)


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the reference photos are not here")
@pytest.mark.parametrize(
    "name",
    [
        "good/meta/xmp_iptc_exif_icc.jpg",
        "good/meta/makernote_60k.jpg",
        "good/meta/gps.jpg",
        "good/real/Canon_40D.jpg",
        "good/real/Nikon_D70.jpg",
        "good/real/Pentax_K10D.jpg",
        "good/real/_K6A7946_5d3_side.JPG",
        "good/real/apple_gainmap_new.jpg",
        "good/real/table_lensblur.jpg",
    ],
)
def test_tags_of_real_photos_are_kept(name: str, tmp_path: Path) -> None:
    path = tmp_path / "after.jpg"
    write_photo(read_photo(PHOTOS / name), path)
    same_but_for_ours(tags(PHOTOS / name), tags(path))
