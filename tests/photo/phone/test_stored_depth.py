"""Depth and mattes that files hold: right metres at right places, and broken ones refused."""

from __future__ import annotations

import json

import numpy as np
import phone_files as files
import pytest
from hypothesis import given
from hypothesis import strategies as st

import depthfx
from depthfx.context import Context
from depthfx.errors import PhotoError
from depthfx.photo.phone.stored_depth import in_register, stored_depth, stored_matte
from depthfx.photo.photo import Photo
from depthfx.photo.read import read_photo

CODES = files.codes()
PNG = files.picture(CODES)
SHARE = CODES / 255
LINEAR = 1 + SHARE * 5
"""Metres of the files of `gdepth_jpeg`."""


def depth_of(folder, data, name="photo.jpg"):
    return stored_depth(read_photo(files.saved(folder, data, name)))


def test_a_photo_without_depth_has_none(tmp_path):
    photo = read_photo(files.saved(tmp_path, files.photo_bytes()))
    assert stored_depth(photo) is None
    assert stored_matte(photo) is None


def test_range_linear_is_even_in_metres(tmp_path):
    found = depth_of(tmp_path, files.gdepth_jpeg(PNG))
    assert (found.kind, found.encoding, found.metric) == ("GDepth", "RangeLinear", True)
    np.testing.assert_allclose(1 / found.inverse, LINEAR, rtol=1e-6)
    assert found.range_m == pytest.approx((1, 6), rel=1e-6)


def test_range_inverse_is_even_in_inverse_metres(tmp_path):
    data = files.gdepth_jpeg(PNG, Format="RangeInverse", Near="0.5", Far="8")
    found = depth_of(tmp_path, data)
    near, far = 0.5, 8.0
    np.testing.assert_allclose(
        1 / found.inverse, far * near / (far - SHARE * (far - near)), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("units", "metric", "metre"),
    [("m", True, 1), ("mm", True, 1000), ("Meters", True, 1), ("", False, 1), ("feet", False, 1)],
)
def test_units_that_are_no_lengths_make_depth_relative(units, metric, metre, tmp_path):
    found = depth_of(tmp_path, files.gdepth_jpeg(PNG, Units=units))
    assert found.metric is metric
    np.testing.assert_allclose(1 / found.inverse, LINEAR / metre, rtol=1e-6)


def test_sixteen_bits_beyond_the_packet_in_any_order(tmp_path):
    wide = files.codes(120, 160, 65535)
    found = depth_of(tmp_path, files.extended_jpeg(files.picture(wide), pieces=3))
    np.testing.assert_allclose(1 / found.inverse, 1 + wide / 65535 * 5, rtol=1e-6)


def test_properties_may_be_elements_with_wrapped_base64(tmp_path):
    words = files.gdepth_xmp(PNG).decode()
    data = words.split('GDepth:Data="')[1].split('"')[0]
    lines = "\n".join(data[i : i + 76] for i in range(0, len(data), 76)).rstrip("=")
    told = {"Format": "RangeLinear", "Near": "1", "Far": "6", "measureType": "OpticalAxis"}
    elements = "".join(f"<g:{k}>{v}</g:{k}>" for k, v in {**told, "Data": lines}.items())
    about = f'<rdf:Description rdf:about="" xmlns:g="{files.GDEPTH}">{elements}</rdf:Description>'
    xmp = files.segment(files.XMP_HEADER, files.packet(about))
    found = depth_of(tmp_path, files.with_segments(files.photo_bytes(), xmp))
    np.testing.assert_allclose(1 / found.inverse, LINEAR, rtol=1e-6)


@pytest.mark.parametrize("kind", ["JPEG", "RGB", "alpha"])
def test_payloads_of_other_kinds(kind, tmp_path):
    payload = {
        "JPEG": lambda: files.picture(CODES, "JPEG", quality=100),
        "RGB": lambda: files.picture(np.dstack([CODES] * 3)),
        "alpha": lambda: files.picture(np.dstack([CODES] * 3 + [np.full_like(CODES, 9)])),
    }[kind]()
    found = depth_of(tmp_path, files.gdepth_jpeg(payload))
    np.testing.assert_allclose(1 / found.inverse, LINEAR, atol=0.06 if kind == "JPEG" else 1e-5)


TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.T,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].T,
    8: lambda a: np.rot90(a, 1),
}
"""Upright from stored, by EXIF's table."""


@pytest.mark.parametrize("orientation", range(1, 9))
def test_depth_is_turned_with_the_picture(orientation, tmp_path):
    found = depth_of(tmp_path, files.gdepth_jpeg(PNG, orientation))
    np.testing.assert_allclose(1 / found.inverse, TURNS[orientation](LINEAR), rtol=1e-6)


def test_depth_stored_upright_beside_a_turned_picture_is_told_by_its_shape(tmp_path):
    upright = files.codes(20, 15)
    found = depth_of(tmp_path, files.gdepth_jpeg(files.picture(upright), 6))
    np.testing.assert_allclose(1 / found.inverse, 1 + upright / 255 * 5, rtol=1e-6)


def test_distances_along_the_ray_become_depth(tmp_path):
    """A sphere around the camera: every ray is 3 m long."""
    far = np.full((15, 20), 102, np.uint8)
    far[0, 0] = 0
    found = depth_of(tmp_path, files.gdepth_jpeg(files.picture(far), MeasureType="OpticRay"))
    focal = 26 * np.hypot(80, 60) / np.hypot(36, 24)
    x, y = (np.arange(20) + 0.5) * 4 - 40, (np.arange(15) + 0.5) * 4 - 30
    cosine = focal / np.sqrt(x[None] ** 2 + y[:, None] ** 2 + focal**2)
    np.testing.assert_allclose(1 / found.inverse[1:], 3 * cosine[1:], rtol=1e-5)


def test_depth_in_a_png(tmp_path):
    from PIL import Image, PngImagePlugin

    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", files.gdepth_xmp(PNG).decode())
    path = tmp_path / "photo.png"
    Image.new("RGB", (80, 60), "red").save(path, pnginfo=text)
    np.testing.assert_allclose(1 / stored_depth(read_photo(path)).inverse, LINEAR, rtol=1e-6)


@pytest.mark.parametrize("padding", [0, 37])
def test_dynamic_depth_stands_after_the_picture(padding, tmp_path):
    found = depth_of(tmp_path, files.dynamic_depth_jpeg(PNG, padding))
    assert (found.kind, found.metric) == ("DynamicDepth", True)
    np.testing.assert_allclose(found.inverse, 2 + SHARE * (1 / 8 - 2), rtol=1e-5)


def test_dioptres_are_inverse_metres(tmp_path):
    found = depth_of(tmp_path, files.dynamic_depth_jpeg(PNG, units="Diopters"))
    np.testing.assert_allclose(found.inverse, 0.5 + SHARE * 7.5, rtol=1e-5)
    assert found.metric


def test_a_container_is_counted_from_the_end_where_more_stands_before_it(tmp_path):
    """A picture that the container does not list, like the preview that some cameras add."""
    data = files.dynamic_depth_jpeg(PNG)
    end = data.index(b"\x89PNG")
    unlisted = files.picture(np.zeros((9, 9), np.uint8), "GIF")
    found = depth_of(tmp_path, data[:end] + unlisted + data[end:])
    np.testing.assert_allclose(found.inverse, 2 + SHARE * (1 / 8 - 2), rtol=1e-5)


def test_a_gain_map_is_no_depth(tmp_path):
    gain = files.picture(np.zeros((8, 8), np.uint8), "JPEG")

    def item(semantic, size):
        return (
            f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="{semantic}" '
            f'Item:Length="{size}"/></rdf:li>'
        )

    for items, known in (
        (item("GainMap", len(gain)), False),
        (item("GainMap", len(gain)) + item("Depth", len(PNG)), True),
    ):
        about = files.packet(
            f'<rdf:Description rdf:about="" xmlns:GDepth="{files.GDEPTH}" GDepth:Near="1" '
            f'GDepth:Far="6" GDepth:Format="RangeLinear" xmlns:Container="{files.CONTAINER}" '
            f'xmlns:Item="{files.CONTAINER}item/"><Container:Directory><rdf:Seq>'
            f"{item('Primary', 0)}{items}</rdf:Seq></Container:Directory></rdf:Description>"
        )
        xmp = files.segment(files.XMP_HEADER, about)
        data = files.with_segments(files.photo_bytes(), xmp) + gain + PNG
        if known:
            np.testing.assert_allclose(1 / depth_of(tmp_path, data).inverse, LINEAR, rtol=1e-6)
        else:
            with pytest.raises(PhotoError, match="missing"):
                depth_of(tmp_path, data)


def apple(kind, low, high, accuracy="absolute"):
    return (
        f"<apdi:AuxiliaryImageType>{kind}</apdi:AuxiliaryImageType>"
        f"<apdi:FloatMinValue>{low}</apdi:FloatMinValue>"
        f"<apdi:FloatMaxValue>{high}</apdi:FloatMaxValue>"
        f"<depthData:Accuracy>{accuracy}</depthData:Accuracy>"
    )


MATTE = "urn:com:apple:photo:2018:aux:portraiteffectsmatte"
GAIN_MAP = "urn:com:apple:photo:2020:aux:hdrgainmap"


@pytest.mark.parametrize("accuracy", ["absolute", "relative"])
def test_auxiliary_pictures_of_a_jpeg(accuracy, tmp_path):
    grey = files.picture(CODES, "JPEG", quality=100)
    data = files.apple_jpeg(
        (grey, apple(GAIN_MAP, 0, 9)),
        (grey, apple("disparity", 0.25, 2, accuracy)),
        (grey, apple(MATTE, 0, 1)),
    )
    photo = read_photo(files.saved(tmp_path, data))
    found = stored_depth(photo)
    assert (found.kind, found.encoding) == ("JPEG auxiliary depth", "disparity")
    assert found.metric == (accuracy == "absolute")
    np.testing.assert_allclose(found.inverse, 0.25 + SHARE * 1.75, atol=0.02)
    np.testing.assert_allclose(stored_matte(photo), SHARE, atol=0.01)


def test_the_z_channel_of_an_exr_is_in_metres(tmp_path):
    import OpenEXR

    metres = np.linspace(1, 9, 300, dtype=np.float32).reshape(15, 20)
    metres[0, :3] = 1e10, np.inf, np.nan
    grey = np.ones((15, 20), np.float32)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    channels = {"R": grey, "G": grey, "B": grey, "Z": metres}
    OpenEXR.File(header, channels).write(str(tmp_path / "photo.exr"))
    found = stored_depth(read_photo(tmp_path / "photo.exr"))
    assert (found.kind, found.metric) == ("EXR Z channel", True)
    np.testing.assert_array_equal(found.inverse[0, :3], [0, 0, np.nan])
    np.testing.assert_allclose(1 / found.inverse[1:], metres[1:], rtol=1e-6)


def photo_of(height, width):
    from depthfx.camera import Camera

    return Photo(np.zeros((height, width, 3), np.float32), Camera.guess(width, height))


def test_a_crop_of_a_whole_sensor_has_the_middle_of_its_depth():
    depth = np.arange(30 * 40, dtype=np.float32).reshape(30, 40)
    np.testing.assert_array_equal(in_register(depth, photo_of(360, 640)), depth[4:26])
    np.testing.assert_array_equal(in_register(depth, photo_of(300, 300)), depth[:, 5:35])
    np.testing.assert_array_equal(in_register(depth, photo_of(299, 400)), depth)
    np.testing.assert_array_equal(in_register(depth.T, photo_of(300, 300)), depth.T[5:35])


@pytest.mark.parametrize(("height", "width"), [(30, 30), (40, 30), (16, 40)])
def test_depth_of_another_shape_is_refused(height, width):
    with pytest.raises(PhotoError, match=f"{width} x {height}.*320 x 200"):
        in_register(np.zeros((height, width), np.float32), photo_of(200, 320))


BROKEN = {
    "no Near": {"Near": ""},
    "Near 'nan'": {"Near": "nan"},
    "Far 'inf'": {"Far": "inf"},
    "no range": {"Near": "7"},
    "Near 0 to": {"Near": "0", "Format": "RangeInverse"},
    "Near -1": {"Near": "-1"},
    "Near '1,5'": {"Near": "1,5"},
    "unknown Format": {"Format": "RangeSideways"},
    "nearer than 1 mm": {"Near": "1e-6", "Far": "1e-5"},
}


@pytest.mark.parametrize(("words", "told"), BROKEN.items())
def test_a_range_that_is_none_is_refused_in_a_line(words, told, tmp_path):
    with pytest.raises(PhotoError, match=f"{words}.*not used$") as refused:
        depth_of(tmp_path, files.gdepth_jpeg(PNG, **told))
    assert "\n" not in str(refused.value)


PAYLOADS = {
    "no JPEG or PNG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "cut off": PNG[: len(PNG) // 2],
    "one value": files.picture(np.zeros((15, 20), np.uint8)),
    "another shape": files.picture(files.codes(20, 20)),
    "coloured": files.picture(np.dstack([CODES, CODES, 255 - CODES])),
    "more than the": PNG[:16] + b"\0\0\x75\x30" * 2 + PNG[24:],
}


@pytest.mark.parametrize(("words", "payload"), PAYLOADS.items())
def test_a_payload_that_is_no_depth_is_refused_in_a_line(words, payload, tmp_path):
    with pytest.raises(PhotoError, match=f"{words}.*not used$"):
        depth_of(tmp_path, files.gdepth_jpeg(payload))


@pytest.mark.parametrize("length", ["999999999999", "-5", "99999999", "1", "x"])
def test_a_container_that_lies_is_refused(length, tmp_path):
    with pytest.raises(PhotoError, match=r"not used$"):
        depth_of(tmp_path, files.dynamic_depth_jpeg(PNG, length=length))


@given(st.data())
def test_damaged_bytes_give_depth_or_a_line(tmp_path_factory, data):
    """No other exception, whatever is changed in the XMP and behind the picture."""
    whole = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(30, len(whole) - 1))
        whole[place] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("fuzz")
    path = files.saved(folder, bytes(whole))
    try:
        photo = read_photo(path)
    except PhotoError:
        return
    try:
        found = stored_depth(photo)
        stored_matte(photo)
    except PhotoError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
        return
    if found is not None:
        assert found.inverse.dtype == np.float32
        assert not np.isinf(found.inverse).any()


WHOLE = [
    files.gdepth_jpeg(PNG),
    files.extended_jpeg(PNG),
    files.dynamic_depth_jpeg(PNG, 3),
    files.apple_jpeg((files.picture(CODES, "JPEG"), apple("disparity", 0.25, 2))),
]


# What becomes of it in a scene.


def test_the_phones_depth_comes_before_a_model(tmp_path):
    path = files.saved(tmp_path, files.gdepth_jpeg(PNG))
    depth = depthfx.open(path).depth
    assert depth.origin == "stored in the photo (GDepth)"
    assert depth.metric
    assert depth.shape == (60, 80)
    assert depth.metres_at(0.5, 0.5) == pytest.approx(LINEAR[7, 10], rel=0.1)


@pytest.mark.parametrize("height", [30, 120])
def test_depth_of_any_size_is_brought_to_the_photos(height, tmp_path):
    """A fence of two depths, finer or coarser than the photo: no third depth comes of it."""
    fence = np.zeros((height, height * 4 // 3), np.uint8)
    fence[:, : height * 2 // 3] = 255
    path = files.saved(tmp_path, files.gdepth_jpeg(files.picture(fence)))
    depth = depthfx.open(path).depth
    assert depth.shape == (60, 80)
    metres = 1 / depth.inverse
    assert np.all(np.isclose(metres, 1, rtol=0.01) | np.isclose(metres, 6, rtol=0.01))
    np.testing.assert_allclose(metres[:, 10], 6, rtol=0.01)
    np.testing.assert_allclose(metres[:, 70], 1, rtol=0.01)


def test_it_can_be_declined(tmp_path):
    path = files.saved(tmp_path, files.gdepth_jpeg(PNG))
    scene = depthfx.open(path, phone_depth=False)
    assert "embedded network" in scene.depth.origin


def test_the_users_file_comes_first(tmp_path):
    path = files.saved(tmp_path, files.gdepth_jpeg(PNG))
    np.save(tmp_path / "depth.npy", np.full((60, 80), 2.0, np.float32))
    depth = depthfx.open(path, depth=tmp_path / "depth.npy").depth
    assert "depth.npy" in depth.origin


def test_broken_depth_is_a_warning_and_the_model_finds_it(tmp_path):
    path = files.saved(tmp_path, files.gdepth_jpeg(PNG, Near="nan"))
    scene = depthfx.open(path)
    assert [line for line in scene.photo.warnings if "GDepth" in line]
    assert "embedded network" in scene.depth.origin


def test_relative_depth_takes_a_scale_that_is_given(tmp_path):
    path = files.saved(tmp_path, files.gdepth_jpeg(PNG, Units=""))
    assert not depthfx.open(path).depth.metric
    scaled = depthfx.open(path, scale_at=["0.5,0.5=10m"]).depth
    assert scaled.metres_at(0.5, 0.5) == pytest.approx(10, rel=1e-4)


def test_a_models_relative_depth_takes_the_phones_metres(tmp_path, monkeypatch):
    """The phone's depth as a model sees it: in unknown units."""
    from depthfx.depth import Depth
    from depthfx.engine import find

    path = files.saved(tmp_path, files.gdepth_jpeg(PNG))
    there = depthfx.open(path).depth

    def relative(_photo, _context):
        return Depth.relative(there.inverse * np.float32(7), "a model")

    monkeypatch.setattr(find, "find_depth", relative)
    found = depthfx.open(path, Context(), phone_depth=False).depth
    assert found.metric
    assert "scaled by stored in the photo (GDepth)" in found.origin
    np.testing.assert_allclose(found.inverse, there.inverse, rtol=0.05)


def test_holes_are_filled_from_around(tmp_path):
    holes = CODES.copy()
    holes[:] = 200
    holes[5:8, 5:8] = 0
    data = files.gdepth_jpeg(files.picture(holes), Near="0", Far="5")
    scene = depthfx.open(files.saved(tmp_path, data))
    np.testing.assert_allclose(1 / scene.depth.inverse, 200 / 255 * 5, rtol=1e-3)


def test_a_stored_matte_is_the_subject(tmp_path):
    y, x = np.mgrid[:15, :20]
    disc = np.where(np.hypot(y - 7, x - 10) < 5, 255, 0).astype(np.uint8)
    data = files.apple_jpeg((files.picture(disc, "JPEG", quality=100), apple(MATTE, 0, 1)))
    scene = depthfx.open(files.saved(tmp_path, data))
    assert scene.channels.matte_given
    assert scene.matte.shape == (60, 80)
    assert scene.matte[30, 42] > 0.9
    assert scene.matte[2, 2] < 0.1


def test_the_reference_photos(shared):
    """All of the reference photos whose depth stands in XMP or behind the picture."""
    expected = json.loads((shared / "photos" / "expect.json").read_text())["files"]
    seen = 0
    for name, facts in expected.items():
        if not name.startswith(("good/depth/", "bad/gdepth/")) or name.endswith(".heic"):
            continue
        photo = read_photo(shared / "photos" / name)
        if facts["depth"] is None:
            with pytest.raises(PhotoError, match=r"not used$"):
                stored_depth(photo)
            continue
        found, told = stored_depth(photo), facts["depth"]
        assert (found.kind, found.metric) == (told["kind"], told["metric"]), name
        assert [found.width, found.height] == told["size"], name
        height, width = photo.shape
        for point in told["known"]:
            row = int((point["y"] + 0.5) / height * found.height)
            column = int((point["x"] + 0.5) / width * found.width)
            metres = 1 / found.inverse[row, column]
            assert metres == pytest.approx(point["metres"], rel=point["tol_rel"]), (name, point)
            seen += 1
    assert seen > 300
