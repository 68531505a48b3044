"""Faces and focused areas of the metadata, in the upright picture."""

import numpy as np
import piexif
import pytest
from files import marks, write
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.photo.exif import upright_place
from depthfx.photo.photo import Metadata, Photo
from depthfx.photo.read import read_photo
from depthfx.photo.regions import Region, faces, told_region, turned

HEIGHT, WIDTH = 30, 40
HEAD = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"'
    ' xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#"'
    ' xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#">'
)
TAIL = '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'


def as_attributes(kind, x, y, w, h):
    return (
        f'<rdf:li><rdf:Description mwg-rs:Type="{kind}"><mwg-rs:Area stArea:x="{x}" stArea:y="{y}"'
        f' stArea:w="{w}" stArea:h="{h}" stArea:unit="normalized"/></rdf:Description></rdf:li>'
    )


def as_elements(kind, x, y, w, h):
    return (
        f'<rdf:li rdf:parseType="Resource"><mwg-rs:Type>{kind}</mwg-rs:Type>'
        f'<mwg-rs:Area rdf:parseType="Resource"><stArea:x>{x}</stArea:x><stArea:y>{y}</stArea:y>'
        f"<stArea:w>{w}</stArea:w><stArea:h>{h}</stArea:h><stArea:unit>normalized</stArea:unit>"
        "</mwg-rs:Area></rdf:li>"
    )


def packet(*regions, frame=(WIDTH, HEIGHT)):
    width, height = frame or ("", "")
    size = f'<mwg-rs:AppliedToDimensions stDim:w="{width}" stDim:h="{height}"/>'
    return (
        f'{HEAD}<mwg-rs:Regions rdf:parseType="Resource">{size if frame else ""}'
        f"<mwg-rs:RegionList><rdf:Bag>{''.join(regions)}</rdf:Bag></mwg-rs:RegionList>"
        f"</mwg-rs:Regions>{TAIL}"
    ).encode()


def photo(xmp, orientation=1, shape=(HEIGHT, WIDTH)):
    pixels = np.zeros((*shape, 3), np.float32)
    camera = Camera.guess(shape[1], shape[0])
    return Photo(pixels, camera, metadata=Metadata(xmp=xmp, orientation=orientation))


def with_area(folder, area, orientation=1, codes=None):
    block = piexif.dump(
        {
            "0th": {piexif.ImageIFD.Orientation: orientation},
            "Exif": {piexif.ExifIFD.SubjectArea: area},
        }
    )
    codes = marks(np.uint8, HEIGHT, WIDTH) if codes is None else codes
    return read_photo(write(folder / "a.jpg", codes, exif=block))


@pytest.mark.parametrize("form", [as_attributes, as_elements])
def test_the_largest_face_is_found(form):
    xmp = packet(form("Face", 0.2, 0.3, 0.1, 0.1), form("Face", 0.6, 0.4, 0.2, 0.25))
    assert told_region(photo(xmp)) == Region("face", 0.6, 0.4, 0.2, 0.25)


def test_a_face_comes_before_an_animal_and_an_animal_before_the_focused_area():
    face, pet, focus = (
        as_attributes(kind, x, 0.5, size, size)
        for kind, x, size in (("Face", 0.1, 0.05), ("Pet", 0.5, 0.2), ("Focus", 0.7, 0.3))
    )
    assert told_region(photo(packet(focus, pet, face))).kind == "face"
    assert told_region(photo(packet(focus, pet))).kind == "animal"
    assert told_region(photo(packet(focus))).kind == "focused area"
    assert told_region(photo(packet(as_attributes("BarCode", 0.5, 0.5, 0.1, 0.1)))) is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("told", ["stored", "upright", "nothing"])
def test_regions_turn_with_the_picture(orientation, told):
    """The standard counts in the stored picture; a frame of the upright one's shape says else."""
    quarter = orientation >= 5
    shape = (WIDTH, HEIGHT) if quarter else (HEIGHT, WIDTH)
    frame = {"stored": (WIDTH, HEIGHT), "upright": shape[::-1], "nothing": ()}[told]
    xmp = packet(as_attributes("Face", 0.2, 0.3, 0.1, 0.15), frame=frame)
    found = told_region(photo(xmp, orientation, shape))
    turned = quarter and told != "upright"
    x, y = (0.2, 0.3) if quarter and not turned else upright_place(0.2, 0.3, orientation)
    assert (found.x, found.y) == (x, y)
    assert (found.width, found.height) == ((0.15, 0.1) if turned else (0.1, 0.15))


def test_regions_of_another_cut_of_the_picture_are_not_believed():
    xmp = packet(as_attributes("Face", 0.2, 0.3, 0.1, 0.1), frame=(4000, 2000))
    assert told_region(photo(xmp)) is None


@pytest.mark.parametrize(
    "numbers",
    [("nan", 0.5, 0.1, 0.1), (2, 0.5, 0.1, 0.1), (-1, 0.5, 0.1, 0.1), ("", 0.5, 0.1, 0.1)],
)
def test_numbers_that_are_no_place_are_left_out(numbers):
    assert told_region(photo(packet(as_attributes("Face", *numbers)))) is None


def test_entities_are_not_expanded():
    """A document type, and with it a bomb of entities, is not read at all."""
    xmp = packet(as_attributes("Face", 0.2, 0.3, 0.1, 0.1))
    bomb = b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>" + xmp
    assert told_region(photo(bomb)) is None


@given(st.binary(max_size=200), st.integers(0, 2000))
def test_broken_packets_tell_nothing_and_raise_nothing(rubbish, at):
    xmp = packet(as_attributes("Face", 0.2, 0.3, 0.1, 0.1))
    found = told_region(photo(xmp[:at] + rubbish + xmp[at:]))
    assert found is None or found.kind in ("face", "animal", "focused area")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_focused_area_turns_with_the_picture(tmp_path, orientation):
    """Red stands where the area is said to be, before the picture is turned."""
    codes = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    codes[4:9, 6:15] = 255, 0, 0
    upright = with_area(tmp_path, (10, 6, 8, 4), orientation, codes)
    found = told_region(upright)
    assert found.kind == "focused area"
    height, width = upright.shape
    red = upright.pixels[int(found.y * height), int(found.x * width)]
    assert red[0] > 0.5
    assert red[1] < 0.2
    assert sorted((found.width * width, found.height * height)) == pytest.approx([4, 8], rel=1e-6)
    assert (found.width * width > 6) == (orientation < 5)


def test_the_area_that_phones_write_into_every_photo_says_nothing(tmp_path):
    """A box of a quarter of the frame around the middle: nobody tapped on the screen."""
    assert told_region(with_area(tmp_path, (20, 15, 22, 13))) is None
    assert told_region(with_area(tmp_path, (20, 15))) == Region(
        "focused area", pytest.approx(0.5, abs=0.02), pytest.approx(0.5, abs=0.02), 0, 0
    )


def test_a_photo_that_says_nothing_tells_nothing():
    assert told_region(photo(b"")) is None


def as_windows_writes(*rectangles, element=False):
    """MP:RegionInfo, as Windows Photo Gallery and digiKam write it: left, top, width, height."""
    people = "".join(
        "<rdf:li rdf:parseType='Resource'>"
        f"<MPReg:Rectangle>{r}</MPReg:Rectangle><MPReg:PersonDisplayName>A</MPReg:PersonDisplayName></rdf:li>"
        if element
        else f'<rdf:li MPReg:PersonDisplayName="A" MPReg:Rectangle="{r}"/>'
        for r in rectangles
    )
    return (
        f'{HEAD}<MP:RegionInfo xmlns:MP="http://ns.microsoft.com/photo/1.2/"'
        ' xmlns:MPRI="http://ns.microsoft.com/photo/1.2/t/RegionInfo#"'
        ' xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#" rdf:parseType="Resource">'
        f"<MPRI:Regions><rdf:Bag>{people}</rdf:Bag></MPRI:Regions></MP:RegionInfo>{TAIL}"
    ).encode()


@pytest.mark.parametrize("element", [True, False])
def test_faces_as_windows_writes_them(element):
    xmp = as_windows_writes("0.1, 0.2, 0.1, 0.1", "0.5, 0.25, 0.25, 0.5", element=element)
    large, small = faces(photo(xmp))
    assert large == Region("face", 0.625, 0.5, 0.25, 0.5)
    assert (small.x, small.y) == (pytest.approx(0.15), pytest.approx(0.25))


@pytest.mark.parametrize(
    "text", ["", "0.1, 0.2, 0.1", "a, b, c, d", "0.9, 0.2, 0.3, 0.1", "nan,0,0,0"]
)
def test_rectangles_that_are_none_are_left_out(text):
    assert faces(photo(as_windows_writes(text))) == []


def test_faces_are_those_of_people_only_and_each_once():
    regions = as_attributes("Face", 0.2, 0.3, 0.1, 0.1) + as_attributes("Pet", 0.6, 0.4, 0.2, 0.2)
    both = packet(regions).replace(
        TAIL.encode(),
        as_windows_writes("0.15, 0.25, 0.1, 0.1").removeprefix(HEAD.encode()),
    )
    assert faces(photo(packet(regions))) == [Region("face", 0.2, 0.3, 0.1, 0.1)]
    assert faces(photo(both)) == [Region("face", 0.2, 0.3, 0.1, 0.1)]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", [as_attributes, as_elements])
@pytest.mark.parametrize("frame", [(WIDTH, HEIGHT), None])
def test_regions_written_with_an_upright_picture_are_those_that_were_read(orientation, form, frame):
    shape = (WIDTH, HEIGHT) if orientation >= 5 else (HEIGHT, WIDTH)
    before = packet(
        form("Face", 0.2, 0.3, 0.1, 0.15), form("Pet", 0.5, 0.75, 0.25, 0.5), frame=frame
    )
    after = turned(before, orientation, shape[1], shape[0])
    assert faces(photo(after, 1, shape)) == faces(photo(before, orientation, shape)) != []
    assert f'stDim:w="{shape[1]}" stDim:h="{shape[0]}"'.encode() in after or not frame
    assert (after == before) == (orientation == 1)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_rectangles_written_with_an_upright_picture_are_those_that_were_read(orientation):
    shape = (WIDTH, HEIGHT) if orientation >= 5 else (HEIGHT, WIDTH)
    before = as_windows_writes("0.125, 0.25, 0.25, 0.125")
    after = turned(before, orientation, shape[1], shape[0])
    assert faces(photo(after, 1, shape)) == faces(photo(before, orientation, shape)) != []


def test_regions_of_another_cut_and_packets_that_are_none_stay():
    foreign = packet(as_attributes("Face", 0.2, 0.3, 0.1, 0.1), frame=(4000, 2000))
    for xmp in (foreign, b"", b"no XMP"):
        assert turned(xmp, 6, HEIGHT, WIDTH) == xmp
