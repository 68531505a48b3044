"""`mask`: files that other programs read, in the photo's place, white where it is said."""

import json

import cv2
import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from depthfx.cli import cli
from depthfx.errors import DepthError, ParameterError
from depthfx.export.mask_file import as_stored, write_grey
from depthfx.files import save
from depthfx.photo.read import turned
from depthfx.scene import Scene
from depthfx_effects import Mask

HEIGHT, WIDTH = 30, 44


@pytest.fixture
def photo(tmp_path):
    """A photo file and a depth file of it: the left third at 1 m, the middle at 2 m, then 8 m."""
    rng = np.random.default_rng(2)
    path, depth = tmp_path / "photo.png", tmp_path / "depth.npy"
    cv2.imwrite(str(path), rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8))
    metres = np.repeat(np.array([1, 2, 8], np.float32), [14, 14, 16])
    np.save(depth, np.tile(metres, (HEIGHT, 1)))
    return path, depth


def run(photo, *words):
    path, depth = photo
    common = ["--depth", str(depth), "--depth-unit", "m", "--json"]
    return CliRunner().invoke(cli, ["mask", str(path), *common, *map(str, words)])


def read_pfm(path):
    """A portable float map, as its definition says: the sign of the scale is the byte order."""
    kind, size, scale, data = path.read_bytes().split(b"\n", 3)
    assert kind == b"Pf"
    width, height = map(int, size.split())
    order = "<f4" if float(scale) < 0 else ">f4"
    return np.frombuffer(data, order).reshape(height, width)[::-1]


def test_white_is_there_and_black_is_not(photo, tmp_path):
    done = run(photo, "--where", "1.5m..3m")
    assert done.exit_code == 0, done.output
    facts = json.loads(done.output.splitlines()[-1])
    assert facts["written"] == [str(tmp_path / "photo-mask.png")]
    assert facts["mask"]["where"] == "1.5m..3m"
    mask = cv2.imread(str(tmp_path / "photo-mask.png"), cv2.IMREAD_UNCHANGED)
    assert mask.dtype == np.uint16
    assert mask.shape == (HEIGHT, WIDTH)
    assert (mask[:, 16:26] == 65535).all()
    assert (mask[:, :12] == 0).all()
    assert (mask[:, 30:] == 0).all()
    assert facts["mask"]["share"] == pytest.approx(14 / WIDTH, abs=0.02)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".pfm", ".exr"])
def test_every_format_holds_the_same_mask(tmp_path, suffix):
    share = np.random.default_rng(0).random((9, 13), dtype=np.float32)
    path = tmp_path / f"mask{suffix}"
    write_grey(share, path)
    if suffix == ".pfm":
        read = read_pfm(path)
        np.testing.assert_array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), share)
    elif suffix == ".exr":
        import OpenEXR

        with OpenEXR.File(str(path)) as file:
            read = np.array(file.channels()["Y"].pixels)
    elif suffix == ".png":
        read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) / 65535
    else:
        read = tifffile.imread(path) / 65535
    np.testing.assert_allclose(read, share, atol=0 if suffix in (".pfm", ".exr") else 1 / 131070)


def test_a_png_mask_says_nothing_of_colour(tmp_path):
    path = tmp_path / "mask.png"
    write_grey(np.zeros((4, 4), np.float32), path)
    data = path.read_bytes()
    assert data[24:26] == bytes([16, 0])  # bits, and grey
    for chunk in (b"iCCP", b"sRGB", b"gAMA", b"cHRM"):
        assert chunk not in data


def test_as_alpha_the_colours_stay(photo, tmp_path):
    done = run(photo, "--where", "1.5m..3m", "--as", "alpha")
    assert done.exit_code == 0, done.output
    before = cv2.imread(str(photo[0])).astype(int)
    after = cv2.imread(str(tmp_path / "photo-mask.png"), cv2.IMREAD_UNCHANGED)
    assert after.dtype == np.uint16
    assert after.shape == (HEIGHT, WIDTH, 4)
    np.testing.assert_array_equal(np.rint(after[..., :3] / 257), before)
    assert (after[:, 16:26, 3] == 65535).all()
    assert (after[:, :12, 3] == 0).all()


def test_as_alpha_in_tiff_it_is_straight(photo, tmp_path):
    done = run(photo, "--where", "..1.5m", "--as", "alpha", "-o", tmp_path / "cut.tif")
    assert done.exit_code == 0, done.output
    with tifffile.TiffFile(tmp_path / "cut.tif") as file:
        page = file.pages[0]
        assert page.extrasamples == (tifffile.EXTRASAMPLE.UNASSALPHA,)
        pixels = page.asarray()
    before = cv2.imread(str(photo[0]))[..., ::-1].astype(int)
    np.testing.assert_array_equal(np.rint(pixels[..., :3] / 257), before)
    assert (pixels[:, :12, 3] == 65535).all()
    assert (pixels[:, 30:, 3] == 0).all()


def test_inverted_it_is_the_rest(scene, tmp_path):
    for invert in (False, True):
        save(Mask(where="..3m", invert=invert)(scene), tmp_path / f"{invert}.pfm")
    np.testing.assert_allclose(
        read_pfm(tmp_path / "True.pfm") + read_pfm(tmp_path / "False.pfm"), 1, atol=1e-6
    )


def test_usually_it_is_the_subject(scene, tmp_path):
    made = Mask()(scene)
    assert made.notes == ("mask of subject: 19% of the picture",)
    save(made, tmp_path / "mask.pfm")
    np.testing.assert_array_equal(read_pfm(tmp_path / "mask.pfm"), scene.matte)


def test_it_can_fade_wider(tmp_path):
    metres = np.tile(np.linspace(1, 10, 500, dtype=np.float32), (3, 1))
    scene = Scene.from_arrays(
        np.full((3, 500, 3), 0.5, np.float32), inverse=1 / metres, focal_px=500.0
    )
    for soft, width in ((0.1, 0.5), (1.0, 5.0)):
        save(Mask(where="..5m", soft=soft)(scene), tmp_path / "mask.pfm", overwrite=True)
        row = read_pfm(tmp_path / "mask.pfm")[1]
        between = metres[1][(row > 1e-6) & (row < 1 - 1e-6)]
        assert between[-1] - between[0] == pytest.approx(width, abs=0.1)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--where", "2m"], "expected '..'"),
        (["--where", "sky", "-o", "mask.jpg"], ".png, .tif, .tiff, .pfm, .exr"),
        (["--as", "alpha", "-o", "mask.pfm"], ".png, .tif, .tiff"),
        (["--as", "alpha", "--stored"], "stored is for a mask alone"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(photo, words, answer):
    done = run(photo, *words)
    assert isinstance(done.exception, ParameterError)
    assert answer in str(done.exception)


def test_metres_need_metres(scene):
    relative = Scene.from_arrays(scene.photo.pixels, inverse=scene.depth.inverse, metric=False)
    with pytest.raises(DepthError, match="relative"):
        Mask(where="2m..")(relative)


def test_its_where_is_read_as_any_other():
    assert Mask(where="2 .. 5m").where == "2m..5m"
    with pytest.raises(ParameterError, match="mask: where='nowhere': expected a range"):
        Mask(where="nowhere")


def test_the_same_bytes_every_time(scene, tmp_path):
    for name in ("a.png", "b.png"):
        save(Mask(where="not subject or ..3m soft 1m")(scene), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_an_effect_limited_on_the_command_line(photo, tmp_path):
    path, depth = photo
    out = tmp_path / "limited.png"
    words = ["apply", path, "bokeh", "--where", "5m..", "--aperture-mm", "30", "--focus-m", "1"]
    common = ["--depth", depth, "--depth-unit", "m", "-o", out, "--json"]
    done = CliRunner().invoke(cli, [*map(str, words), *map(str, common)])
    assert done.exit_code == 0, done.output
    facts = json.loads(done.output.splitlines()[-1])
    assert facts["where"][0]["effect"] == "bokeh"
    before, after = cv2.imread(str(path)), cv2.imread(str(out))
    np.testing.assert_array_equal(after[:, :26], before[:, :26])
    assert np.abs(after[:, 32:].astype(int) - before[:, 32:]).max() > 20


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_back_it_lies_as_the_file_does(orientation):
    """What reading does to the file's pixels is undone, whatever the camera's position was."""
    stored = np.random.default_rng(orientation).random((4, 7), dtype=np.float32)
    np.testing.assert_array_equal(as_stored(turned(stored, orientation), orientation), stored)


def test_it_is_turned_back_if_asked(tmp_path):
    """Bright stored pixels are white in a mask of the near half, in the file's own rows."""
    from PIL import Image

    path, depth = tmp_path / "photo.jpg", tmp_path / "depth.npy"
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying, seen upright
    Image.new("RGB", (40, 24), (90, 90, 90)).save(path, exif=exif)
    metres = np.full((40, 24), 4, np.float32)
    metres[:20] = 1  # of the upright photo, above
    np.save(depth, metres)
    done = run((path, depth), "--where", "..2m", "--stored", "-o", tmp_path / "mask.pfm")
    assert done.exit_code == 0, done.output
    mask = read_pfm(tmp_path / "mask.pfm")
    assert mask.shape == (24, 40)
    assert mask[:, :17].min() == 1  # above is where the stored rows begin
    assert mask[:, 23:].max() == 0
