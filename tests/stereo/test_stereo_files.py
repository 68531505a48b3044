"""Files that hold a picture for each eye, read back by other programs' readers."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from depthfx.camera import Camera
from depthfx.errors import PhotoError, ShapeError
from depthfx.geometry.stage import Stage
from depthfx.photo.boxes import boxes, read_items
from depthfx.photo.formats import heif
from depthfx.photo.photo import Metadata, Photo
from depthfx.photo.profiles import named_profile
from depthfx.photo.read import read_photo
from depthfx.photo.stored import Reading, Stored
from depthfx.stereo.files import write_pair
from depthfx.stereo.jpeg_pairs import write_jps, write_mpo
from depthfx.stereo.pairs import parallel_pair, row
from depthfx.stereo.spatial import APPLE_DISPARITY, EYES_APART_M, write_spatial

SIZES = [(64, 48), (301, 203)]
NEAREST, SCREEN = 0.5, 0.25


def eyes_of(width, height, **said):
    """Two pictures that no one takes for each other."""
    y, x = np.mgrid[:height, :width]
    left = np.stack([255 * x // width, 255 * y // height, np.full_like(x, 90)], -1)
    return (
        Stored(left.astype(np.uint8), **said),
        Stored(left[:, ::-1].astype(np.uint8), **said),
    )


def stage_of(width, height):
    camera = Camera(width, height, 0.8 * width)
    return Stage(camera, NEAREST, 0.05, SCREEN, 0.03)


def spatial(left, right, *, metric=True):
    file = io.BytesIO()
    stage = stage_of(left.width, left.height)
    pair = parallel_pair(stage)
    write_spatial(file, left, right, pair, screen_inverse=SCREEN, metric=metric)
    return file.getvalue(), pair


def unlike(picture, stored):
    return np.abs(np.asarray(picture).astype(int) - stored.codes).mean()


@pytest.mark.parametrize("size", SIZES)
def test_libheif_finds_a_stereo_pair_whose_first_picture_is_the_left_eyes(size):
    import pillow_heif

    left, right = eyes_of(*size)
    data, _ = spatial(left, right)
    file = pillow_heif.open_heif(io.BytesIO(data))
    assert (len(file), file.primary_index) == (2, 0)
    for picture, stored in zip(file, (left, right), strict=True):
        assert picture.size == size
        assert unlike(picture, stored) < 2
        (group,) = picture.info["entity_groups"]
        assert (group["type"], group["images"]) == ("ster", [0, 1])
        assert picture.info["heif"]["camera_extrinsic_matrix_rot"] == tuple(np.eye(3).ravel())
        focal_px = picture.info["heif"]["camera_intrinsic_matrix"]["focal_length_x"]
        assert focal_px == pytest.approx(0.8 * size[0], rel=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_the_camera_of_a_spatial_photo_is_the_photos(size, tmp_path):
    path = tmp_path / "spatial.heic"
    path.write_bytes(spatial(*eyes_of(*size))[0])
    camera = read_photo(path).camera
    width, height = size
    assert (camera.width, camera.height) == size
    found = camera.focal_px, camera.cx, camera.cy
    assert found == pytest.approx((0.8 * width, width / 2, height / 2), abs=1e-4)


@pytest.mark.parametrize("metric", [True, False])
def test_a_spatial_photo_tells_where_its_eyes_are(metric):
    """The right eye stands to the right; unknown scales are taken for that of two eyes."""
    data, pair = spatial(*eyes_of(64, 48), metric=metric)
    places = [item.said(b"cmex") for item in read_items(data).by_number.values()]
    micrometres = 1e6 * (pair.baseline_m if metric else EYES_APART_M)
    assert places == [bytes(4), struct.pack(">Ii", 1, round(micrometres))]


def test_a_spatial_photo_tells_how_far_its_screen_is():
    """Moved apart by that share of the width, both pictures show the screen in one place."""
    data, pair = spatial(*eyes_of(64, 48))
    for item in read_items(data).by_number.values():
        body = item.said(b"uuid")
        assert body[:16] == APPLE_DISPARITY
        share = struct.unpack(">i", body[16:])[0] / 10_000
        assert share * 64 == pytest.approx(pair.disparity_px(SCREEN), abs=64 / 19_999)
        assert share > 0


def test_what_describes_a_picture_comes_before_what_crops_it():
    data, _ = spatial(*eyes_of(301, 203))
    for item in read_items(data).by_number.values():
        kinds = [found.kind for found in item.properties]
        assert kinds.index(b"ispe") < kinds.index(b"cmin") < kinds.index(b"clap")


def test_both_eyes_are_in_the_photos_colours_and_its_metadata_stay():
    import pillow_heif

    exif = b"MM\0*\0\0\0\x08" + bytes(6)
    left, right = eyes_of(64, 48, icc=named_profile("display-p3"), exif=exif)
    data, _ = spatial(left, right)
    file = pillow_heif.open_heif(io.BytesIO(data))
    assert [picture.info["icc_profile"] for picture in file] == [left.icc] * 2
    assert heif.decode(io.BytesIO(data), Reading()).exif == exif


def test_a_spatial_photo_is_whole():
    """Boxes fill the file to its end, and every item lies in its data."""
    data, _ = spatial(*eyes_of(301, 203, exif=b"MM\0*\0\0\0\x08" + bytes(6)))
    found = list(boxes(data))
    assert [box.kind for box in found] == [b"ftyp", b"meta", b"mdat"]
    assert found[-1].end == len(data)
    items = read_items(data).by_number.values()
    assert sum(len(item.data) for item in items) == found[-1].end - found[-1].start


def test_a_spatial_photo_is_the_same_each_time():
    eyes = eyes_of(301, 203)
    assert spatial(*eyes)[0] == spatial(*eyes)[0]


def test_ten_bits_can_be_stored():
    import pillow_heif

    left, right = (eye.codes.astype(np.uint16) * 257 for eye in eyes_of(64, 48))
    data, _ = spatial(Stored(left, bit_depth=10), Stored(right, bit_depth=10))
    file = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    assert [picture.info["bit_depth"] for picture in file] == [10, 10]


def test_a_pair_whose_pictures_are_moved_is_no_spatial_photo():
    left, right = eyes_of(64, 48)
    with pytest.raises(ShapeError):
        write_spatial(
            io.BytesIO(), left, right, row(stage_of(64, 48)), screen_inverse=SCREEN, metric=True
        )


def test_the_boxes_are_those_of_a_headsets_own_photo(shared):
    """What a real spatial photo says of its pair, this one says in the same places."""
    path = shared / "photos" / "good" / "real" / "spatial_photo.heic"
    if not path.is_file():
        pytest.skip("the headset's photo is not there")
    groups = []
    for data in (path.read_bytes(), spatial(*eyes_of(64, 48))[0]):
        items = read_items(data)
        meta = next(box for box in boxes(data) if box.kind == b"meta")
        grpl = next(box for box in boxes(data, meta.start + 4, meta.end) if box.kind == b"grpl")
        (ster,) = boxes(data, grpl.start, grpl.end)
        version, _, count, left, right = struct.unpack(">5I", data[ster.start : ster.end])
        eyes = [items[left], items[right]]
        bodies = [found.body for eye in eyes for found in eye.properties if found.kind == b"uuid"]
        groups.append(
            {
                "kind": (ster.kind, version, count),
                "left is shown": left == items.primary,
                "hidden": [eye.hidden for eye in eyes],
                "disparity": sum(body.startswith(APPLE_DISPARITY) for body in bodies),
            }
        )
    assert groups[0] == groups[1]


def mpo(left, right, *, metric=True):
    file = io.BytesIO()
    pair = row(stage_of(left.width, left.height))
    write_mpo(file, left, right, pair, metric=metric)
    return file.getvalue(), pair


@pytest.mark.parametrize("icc", [b"", named_profile("display-p3")], ids=["plain", "profile"])
def test_pillow_reads_both_pictures_of_an_mpo(icc):
    left, right = eyes_of(64, 48, icc=icc)
    with Image.open(io.BytesIO(mpo(left, right)[0])) as file:
        assert (file.format, file.n_frames) == ("MPO", 2)
        kinds = [entry["Attribute"]["MPType"] for entry in file.mpinfo[0xB002]]
        assert kinds == ["Multi-Frame Image: (Disparity)"] * 2
        for number, stored in enumerate((left, right)):
            file.seek(number)
            assert unlike(file, stored) < 1
            assert file.info.get("icc_profile", b"") == icc


def test_the_second_picture_of_an_mpo_begins_where_the_first_ends():
    data, _ = mpo(*eyes_of(64, 48))
    with Image.open(io.BytesIO(data)) as file:
        sizes = [entry["Size"] for entry in file.mpinfo[0xB002]]
    assert sum(sizes) == len(data)
    assert data[sizes[0] :].startswith(b"\xff\xd8")
    assert data[: sizes[0]].endswith(b"\xff\xd9")


@pytest.mark.parametrize("metric", [True, False])
def test_an_mpo_tells_the_baseline_if_it_is_known(metric):
    data, pair = mpo(*eyes_of(64, 48), metric=metric)
    expected = struct.pack(">II", round(1e6 * pair.baseline_m), 1_000_000)
    assert data.count(expected if metric else b"\xff" * 8) == 2


def test_an_mpo_is_a_photo_to_whoever_knows_no_pairs(tmp_path):
    path = tmp_path / "pair.jpg"
    left, right = eyes_of(64, 48)
    path.write_bytes(mpo(left, right)[0])
    assert unlike(Image.open(path), left) < 1
    assert read_photo(path).shape == (48, 64)


def test_a_jps_is_a_jpeg_that_says_how_it_is_laid_out():
    left, right = eyes_of(64, 48)
    crossed = Stored(np.concatenate([right.codes, left.codes], axis=1))
    file = io.BytesIO()
    write_jps(file, crossed)
    with Image.open(file) as picture:
        assert picture.size == (128, 48)
        said = dict(picture.applist)["APP3"]
    # Separation, flags, layout (side by side), kind (stereo); no comment.
    assert said == b"_JPSJPS_" + bytes((0, 4, 0, 0, 2, 1, 0, 0))


def written(path, *, bit_depth=8, alpha=None, **options):
    """A grey photo and another picture, written as a pair."""
    stage = stage_of(64, 48)
    left, right = np.full((48, 64, 3), 0.2, np.float32), np.full((48, 64, 3), 0.6, np.float32)
    photo = Photo(left, stage.camera, alpha, Metadata(bit_depth=bit_depth, grey=True))
    pair = parallel_pair(stage) if path.suffix == ".heic" else row(stage)
    write_pair(path, photo, left, right, pair, screen_inverse=SCREEN, metric=True, **options)
    return path


@pytest.mark.parametrize("name", ["pair.heic", "pair.MPO", "pair.mpo"])
@pytest.mark.parametrize("bit_depth", [8, 16])
def test_a_pair_is_written_in_the_format_its_name_tells(name, bit_depth, tmp_path):
    alpha = np.zeros((48, 64), np.float32)
    photo = read_photo(written(tmp_path / name, bit_depth=bit_depth, alpha=alpha))
    np.testing.assert_allclose(photo.pixels, 0.2, atol=0.02)  # 16 bits are dithered
    assert photo.alpha is None
    assert photo.metadata.bit_depth == (10 if name.endswith("heic") and bit_depth > 8 else 8)


def test_a_jps_has_the_right_eyes_picture_at_the_left(tmp_path):
    pixels = read_photo(written(tmp_path / "pair.jps")).pixels
    assert pixels.shape == (48, 128, 3)
    np.testing.assert_allclose(pixels[:, :56], 0.6, atol=0.006)
    np.testing.assert_allclose(pixels[:, 72:], 0.2, atol=0.006)


def test_a_pair_goes_into_no_other_file(tmp_path):
    with pytest.raises(PhotoError, match=r"\.png holds no pair of pictures; use \.heic, \.mpo or"):
        written(tmp_path / "pair.png")
    assert not list(tmp_path.iterdir())


def test_a_pair_replaces_no_file_unasked(tmp_path):
    path = written(tmp_path / "pair.mpo")
    with pytest.raises(PhotoError, match="--overwrite"):
        written(path)
    written(path, overwrite=True)
