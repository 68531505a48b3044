"""`inspect` shows what a file holds; `depth --embed` puts depth into one."""

from __future__ import annotations

import base64
import io
import json
import struct

import numpy as np
import piexif
import pytest
from click.testing import CliRunner
from PIL import Image

from depthfx.cli import cli

GDEPTH = "http://ns.google.com/photos/1.0/depthmap/"
CODES = np.round(np.linspace(0, 255, 300)).astype(np.uint8).reshape(15, 20)
FACE = (
    'xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" '
    'xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#"><mwg-rs:Regions '
    'rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description '
    'mwg-rs:Type="Face"><mwg-rs:Area stArea:x="0.25" stArea:y="0.5" stArea:w="0.1" '
    'stArea:h="0.2" stArea:unit="normalized"/></rdf:Description></rdf:li></rdf:Bag>'
    "</mwg-rs:RegionList></mwg-rs:Regions>"
)


def run(*words):
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def photo(tmp_path):
    """A JPEG with GPS, a face and GDepth from 1 to 6 m."""
    picture, png = io.BytesIO(), io.BytesIO()
    Image.fromarray(CODES).save(png, "PNG")
    exif = piexif.dump({"Exif": {41989: 26}, "GPS": {1: b"N", 2: ((47, 1), (3, 1), (0, 1))}})
    pixels = np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8)
    Image.fromarray(pixels).save(picture, "JPEG", exif=exif)
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:GDepth="{GDEPTH}" GDepth:Format="RangeLinear" GDepth:Near="1" GDepth:Far="6" '
        f'GDepth:Units="m" GDepth:Data="{base64.b64encode(png.getvalue()).decode()}" '
        f"{FACE}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()
    body = b"http://ns.adobe.com/xap/1.0/\0" + xmp
    data = picture.getvalue()
    path = tmp_path / "photo.jpg"
    path.write_bytes(data[:2] + struct.pack(">BBH", 255, 0xE1, len(body) + 2) + body + data[2:])
    return path


def test_inspect_as_json_has_what_the_file_holds(photo):
    facts = json.loads(run("inspect", "--json", photo).stdout)
    assert facts["depth"] == {
        "kind": "GDepth",
        "metric": True,
        "width": 20,
        "height": 15,
        "encoding": "RangeLinear",
        "near_m": 1.0,
        "far_m": 6.0,
    }
    assert facts["faces"] == [{"x": 0.25, "y": 0.5, "width": 0.1, "height": 0.2}]
    assert facts["matte"] is None
    assert (facts["gps"], facts["exif"], facts["xmp"], facts["iptc"]) == (True, True, True, False)
    assert facts["warnings"] == []


def test_inspect_in_words(photo):
    said = dict(line.split(maxsplit=1) for line in run("inspect", photo).stdout.splitlines())
    assert said["depth"] == "GDepth (RangeLinear), 20 x 15, metric, 1 to 6 m"
    assert said["faces"] == "at 0.25,0.50 (0.10 x 0.20)"
    assert said["gps"] == "yes"


def test_broken_depth_is_a_warning_of_inspect(photo):
    photo.write_bytes(photo.read_bytes().replace(b'GDepth:Near="1"', b'GDepth:Near="x"'))
    result = run("inspect", "--json", photo)
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["depth"]) == (0, None)
    assert len(facts["warnings"]) == 1
    assert "Near 'x'" in facts["warnings"][0]


def test_a_damaged_picture_is_an_error_of_inspect(photo):
    photo.write_bytes(photo.read_bytes()[:-300])
    assert run("inspect", photo).exit_code != 0


def test_depth_is_put_into_the_photo(photo, tmp_path):
    np.save(tmp_path / "depth.npy", np.linspace(1, 4, 4800, dtype=np.float32).reshape(60, 80))
    before = photo.read_bytes()
    result = run("depth", photo, "--depth", tmp_path / "depth.npy", "--embed")
    made = tmp_path / "photo-depth.jpg"
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(made)
    assert photo.read_bytes() == before
    scan = before.index(b"\xff\xda")
    assert made.read_bytes().endswith(before[scan:])
    facts = json.loads(run("inspect", "--json", made).stdout)
    assert (facts["depth"]["near_m"], facts["depth"]["far_m"]) == (1.0, 4.0)
    assert facts["faces"]
    assert facts["gps"]
    probed = run("depth", made, "--at", "0.5,0.0001")
    assert "stored in the photo (GDepth)" in probed.stdout


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--bits", "16"], "leave out --bits"),
        (["--at", "0.5,0.5"], "leave out --embed"),
        (["--strip-location"], "leave out --strip-location"),
        (["-o", "out.png"], ".jpg"),
        (["-o", "photo.jpg", "--overwrite"], "photo itself"),
    ],
)
def test_what_does_not_go_with_embed(words, answer, photo, monkeypatch):
    monkeypatch.chdir(photo.parent)
    result = run("depth", photo.name, "--embed", *words)
    assert result.exit_code != 0
    assert answer in f"{result.exception}{result.output}"
    assert [path.name for path in photo.parent.iterdir()] == ["photo.jpg"]
