"""The reference photos against what is known of them, where they lie beside the repository.

Every row of their list is asked. Each broken file is read in a process of its own, which may
take ten seconds and a gigabyte.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from apart import Ended, apart, commanded, nothing_new_in
from hostile_work import outcome
from numpy.typing import NDArray

from depthfx.camera import FocalOrigin
from depthfx.errors import PhotoError
from depthfx.facts import json_line
from depthfx.photo.decode import decode
from depthfx.photo.describe import describe
from depthfx.photo.encode import WRITTEN, over_white, stored_form
from depthfx.photo.phone.stored_depth import stored_depth, stored_matte
from depthfx.photo.photo import Metadata, Photo
from depthfx.photo.read import read_photo
from depthfx.photo.stored import Stored, own_range
from depthfx.photo.write import write_photo

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "photos"
SUFFIX_OF = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WEBP": ".webp", "EXR": ".exr"}
SUFFIX_OF |= {"HEIF": ".heic", "HEIC": ".heic", "AVIF": ".avif"}
LOSSLESS = (".png", ".tif", ".exr")
MANY_PIXELS = 4_000_000


def _rows() -> dict[str, Any]:
    try:
        return dict(json.loads((PHOTOS / "expect.json").read_text())["files"])
    except FileNotFoundError:
        return {}


ROWS = _rows()


def _cases(start: str, wanted: Callable[[str, dict], Any] = lambda name, row: True) -> list[Any]:
    """The files below a folder whose row is `wanted`, or one that is skipped where none are."""
    names = [
        name
        for name, row in ROWS.items()
        if name.startswith(start) and (PHOTOS / name).is_file() and wanted(name, row)
    ]
    skip = pytest.mark.skip(reason="the reference photos are not beside this repository")
    return names or [pytest.param("", marks=skip)]


def _allowed(row: dict) -> set[str]:
    return {row["outcome"], *row.get("also_acceptable", [])}


def test_every_row_is_asked() -> None:
    if not ROWS:
        pytest.skip("the reference photos are not beside this repository")
    assert set(ROWS) - {*_cases("good/"), *_cases("bad/")} == {"bad/_made_in_test"}


# ---- good files ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", _cases("good/"))
def test_good_file(name: str) -> None:
    row = ROWS[name]
    try:
        photo = read_photo(PHOTOS / name)
    except PhotoError as error:
        if "error" not in _allowed(row):
            raise
        _is_one_line_on(str(error), PHOTOS / name)
        return
    height, width = photo.shape
    sizes = [[row.get("width"), row.get("height")], *row.get("also_sizes", [])]
    if row.get("width"):
        assert [width, height] in sizes
    assert np.isfinite(photo.pixels).all()
    if "mode" in row:
        _has_mode(photo, row)
    if [width, height] == sizes[0]:
        _shows_colours(photo, name, row)
    _has_focal_length(photo, row)
    _warns(photo, row)
    json_line(describe(photo))


def _has_mode(photo: Photo, row: dict) -> None:
    mode, metadata = row["mode"], photo.metadata
    assert metadata.bit_depth == mode["bit_depth"]
    assert metadata.floating == mode["float"]
    # One that hides nothing may be in a file that is said to have none.
    assert photo.alpha is not None if mode["alpha"] else photo.alpha is None or photo.alpha.all()
    assert metadata.grey == (mode["channels"] == 1)
    stored = row["exif_orientation"]
    assert metadata.orientation == (stored if stored in range(1, 9) else 1)
    if row["profile"] == "none embedded: treat as sRGB":
        # PNG, AVIF and HEIC may say in a few bytes of their own what their colours are.
        own_way = metadata.format in ("PNG", "AVIF", "HEIF")
        assert metadata.icc == b"" or own_way or "sRGB" in str(describe(photo)["profile"])
    elif not row["profile"].startswith(("none embedded", "camera raw")):
        assert describe(photo)["profile"] == row["profile"]


def _shows_colours(photo: Photo, name: str, row: dict) -> None:
    """Corners in sRGB, values as stored, highlights above white, holes."""
    srgb = stored_form(replace(photo, metadata=Metadata(), alpha=None), 8).codes.astype(int)
    ignored = row.get("if_profile_ignored") or {}
    for point in row.get("pixels", []):
        if "rgb" not in point:
            continue
        shown = srgb[point["y"], point["x"]]
        off = np.abs(shown - point["rgb"]).max()
        if off > point["tol"] and ignored:
            as_if = np.abs(shown - ignored[point["corner"]]).max() <= point["tol"]
            if as_if and row.get("reading_as_srgb_accepted"):
                continue
            assert not as_if, "the profile is not honoured"
        assert off <= point["tol"], (point, shown)
    own = stored_form(photo, 8).codes
    for block in row.get("block_means", []):
        reach = max(own.shape[0] // 120, 1), max(own.shape[1] // 120, 1)
        area = own[
            block["y"] - reach[0] : block["y"] + reach[0] + 1,
            block["x"] - reach[1] : block["x"] + reach[1] + 1,
        ]
        assert np.abs(area.mean((0, 1)) - block["rgb"]).max() <= block["tol"], block
    if "native" in row:
        _stores(PHOTOS / name, row["native"])
    if spot := row.get("highlight"):
        np.testing.assert_allclose(photo.pixels[spot["y"], spot["x"]], spot["value"], rtol=1e-3)
    if hole := row.get("hole"):
        assert photo.alpha is not None
        assert photo.alpha[hole["y"], hole["x"]] == hole["alpha"]
        assert (stored_form(over_white(photo), 8).codes[hole["y"], hole["x"]] == 255).all()


def _stores(path: Path, points: list[dict]) -> None:
    """The codes are those of the file."""
    with path.open("rb") as file:
        stored = decode(file, path)
    planes = stored.with_alpha_last().reshape(stored.height, stored.width, -1)
    for point in points:
        held = planes[point["y"], point["x"]]
        if stored.codes.dtype.kind == "f":
            np.testing.assert_allclose(held, point["value"], rtol=1e-3)
        else:
            assert held.tolist() == point["value"]


def _has_focal_length(photo: Photo, row: dict) -> None:
    focal, camera = row.get("focal_px"), photo.camera
    if "focal_px" not in row or (focal or {}).get("optional"):
        return
    if focal is None or focal["value"] is None:
        assert camera.origin is FocalOrigin.GUESS, camera
        return
    values = [focal["value"], *focal.get("also", [])]
    if focal.get("naive_accepted_with_warning") and photo.warnings:
        values.append(focal["naive"])
    assert any(camera.focal_px == pytest.approx(v, rel=focal["tol_rel"]) for v in values), camera
    assert camera.origin is not FocalOrigin.GUESS


def _warns(photo: Photo, row: dict) -> None:
    if photo.warnings:
        # That it was cropped may be said of any photo.
        assert "ok-with-warning" in _allowed(row) or "cropped" in photo.warnings[0], photo.warnings
    else:
        assert "ok" in _allowed(row)


@pytest.mark.parametrize("name", _cases("good/", lambda _, row: row.get("depth")))
def test_stored_depth(name: str) -> None:
    """Metres at the known points where it is metric; where not, right but for a scale."""
    row = ROWS[name]["depth"]
    try:
        photo = read_photo(PHOTOS / name)
    except PhotoError:
        assert "error" in _allowed(ROWS[name])
        return
    depth = stored_depth(photo)
    assert depth is not None
    assert (depth.kind, depth.metric) == (row["kind"], row["metric"])
    if "size" in row:
        assert sorted([depth.width, depth.height]) == sorted(row["size"])
    if not row.get("known"):
        return
    height, width = photo.shape
    found = np.array(
        [
            depth.inverse[
                int((point["y"] + 0.5) * depth.height / height),
                int((point["x"] + 0.5) * depth.width / width),
            ]
            for point in row["known"]
        ]
    )
    wanted = np.array([1 / point["metres"] for point in row["known"]])
    if not depth.metric:
        found = found * np.median(wanted / found)
    np.testing.assert_allclose(found, wanted, rtol=row["known"][0]["tol_rel"] + 1e-4)


@pytest.mark.parametrize("name", _cases("good/", lambda _, row: row.get("matte")))
def test_stored_matte(name: str) -> None:
    photo = read_photo(PHOTOS / name)
    matte = stored_matte(photo)
    assert matte is not None
    height, width = photo.shape
    for point in ROWS[name]["matte"]["known"]:
        y, x = (point["y"] + 0.5) / height, (point["x"] + 0.5) / width
        held = matte[int(y * matte.shape[0]), int(x * matte.shape[1])]
        assert held == pytest.approx(point["value"] / 255, abs=0.02)


@pytest.mark.parametrize(
    "name",
    _cases("good/", lambda _, row: row.get("depth", 1) is None),
)
def test_no_depth_is_seen_where_there_is_none(name: str) -> None:
    try:
        photo = read_photo(PHOTOS / name)
    except PhotoError:
        assert "error" in _allowed(ROWS[name])
        return
    assert stored_depth(photo) is None
    assert (stored_matte(photo) is not None) == ("portrait matte" in ROWS[name]["tricky"])


@pytest.mark.parametrize(
    "name", _cases("good/", lambda name, row: row.get("same_scene_as", name) != name)
)
def test_two_files_show_the_same_scene(name: str) -> None:
    one, other = (read_photo(PHOTOS / n).pixels for n in (name, ROWS[name]["same_scene_as"]))
    assert np.abs(one - other).mean() < 0.005


@pytest.mark.parametrize("name", _cases("good/"))
def test_round_trip(name: str, tmp_path: Path) -> None:
    """Nothing done to it, the encoder is handed the file's own codes, to one code at most;
    and what is read of the new file is what was handed over, where the format is lossless."""
    if (ROWS[name].get("width") or 0) * (ROWS[name].get("height") or 0) > MANY_PIXELS:
        pytest.skip("large: asked of smaller files of its kind")
    path = PHOTOS / name
    try:
        photo = read_photo(path)
    except PhotoError:
        assert "error" in _allowed(ROWS[name])
        return
    metadata = photo.metadata
    # What cannot be written becomes PNG, as the least that holds as much.
    suffix = SUFFIX_OF.get(metadata.format, ".tif" if metadata.floating else ".png")
    form = WRITTEN[suffix]
    depths = form.float_depths if metadata.floating else form.bit_depths
    enough = [bits for bits in depths if bits >= metadata.bit_depth]
    bits = min(enough) if enough else max(depths)
    with path.open("rb") as file:
        stored = decode(file, path)
    handed = stored_form(photo, bits)
    if stored.codes.dtype == handed.codes.dtype and _comparable(stored, handed):
        upright = _upright(stored.codes, 1 if stored.upright else metadata.orientation)
        assert _most_off(handed.codes, upright, bits) <= 1
    out = tmp_path / f"out{suffix}"
    write_photo(photo, out)
    back = read_photo(out)
    assert back.shape == photo.shape
    assert back.metadata.orientation == 1
    assert back.metadata.bit_depth == bits
    assert (back.alpha is None) == (photo.alpha is None or not form.alpha)
    if metadata.icc and ROWS[name]["mode"].get("space", "") == "":
        assert back.metadata.icc == metadata.icc
    if suffix not in LOSSLESS:
        return
    if metadata.floating:
        np.testing.assert_allclose(back.pixels, photo.pixels, rtol=2e-3, atol=1e-4)
        return
    again = stored_form(back, bits)
    assert _most_off(again.with_alpha_last(), handed.with_alpha_last(), bits) <= 1


def _comparable(stored: Stored, handed: Stored) -> bool:
    """Codes of the same colour space: not developed, not CMYK, and of as many bits."""
    return (
        stored.codes.shape[2:] == handed.codes.shape[2:]
        and stored.bit_depth == handed.bit_depth
        and stored.codes.dtype.kind != "f"
        and stored.linear is None
        and stored.cicp is None
    )


def _upright(codes: NDArray[Any], orientation: int) -> NDArray[Any]:
    """By the table of EXIF: where the stored first row and first column are seen."""
    turned = {
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, 1),
    }
    return turned.get(orientation, lambda a: a)(codes)


def _most_off(one: NDArray[Any], other: NDArray[Any], bits: int) -> int:
    """The largest difference in codes of `bits` bits."""
    if bits > 8:
        one, other = own_range(one, bits), own_range(other, bits)
    return int(np.abs(one.astype(int) - other.astype(int)).max())


# ---- broken files --------------------------------------------------------------------------


@pytest.mark.parametrize("name", _cases("bad/"))
def test_broken_file(name: str) -> None:
    row, path = ROWS[name], PHOTOS / name
    points = row.get("pixels", [])
    ended = apart(
        outcome,
        str(path),
        [(p["x"], p["y"]) for p in points],
        peak_mb=min(row.get("limit_mb", 1024), 1024),
    )
    assert ended.problem == ""
    found = ended.said
    if found["outcome"] == "error":
        _is_one_line_on(found["error"], path)
        assert "error" in _allowed(row), found["error"]
        return
    assert found["outcome"] in _allowed(row) or (
        found["outcome"] == "ok-with-warning" and "ok" in _allowed(row)
    ), found
    assert found["finite"]
    assert all(len(warning) < 500 and "\n" not in warning for warning in found["warnings"])
    if row.get("width"):
        assert list(found["size"]) in [[row["width"], row["height"]], *row.get("also_sizes", [])]
    if "near_comma" not in name:  # which may be taken for 1.5
        assert found["depth"] is None
    for point, colour in zip(points, found["colours"], strict=True):
        assert np.abs(np.subtract(colour, point["rgb"])).max() <= point["tol"], (point, colour)


def _is_one_line_on(error: str, path: Path) -> None:
    assert error.startswith(f"{path}: ")
    assert "\n" not in error
    assert len(error) < len(str(path)) + 500


@pytest.mark.parametrize("name", _cases("bad/", lambda _, row: _allowed(row) == {"error"}))
def test_inspect_says_in_one_line_what_is_broken(name: str) -> None:
    path = str(PHOTOS / name)
    ended = apart(commanded, "inspect", "--json", path)
    assert ended.problem == ""
    status, out, err = ended.said
    assert status == 1
    assert json.loads(out).keys() == {"file", "error"}
    assert err.count("\n") == 1
    assert err.startswith(f"error: {path}: ")


BROKEN = [
    f"bad/{name}"
    for name in (
        "truncated/jpeg_header.jpg",
        "lies/png_ihdr_huge.png",
        "structure/tiff_strip_outside.tif",
        "truncated/webp_half.webp",
        "notphoto/html.jpg",
        "bombs/gif_screen_65535.gif",
    )
]


@pytest.mark.parametrize("name", _cases("bad/", lambda name, _: name in BROKEN))
@pytest.mark.parametrize("command", ["portrait", "bokeh", "depth"])
def test_nothing_is_written_of_a_broken_file(name: str, command: str, tmp_path: Path) -> None:
    with nothing_new_in(tmp_path):
        ended = apart(commanded, command, str(PHOTOS / name), "-o", str(tmp_path / "out.png"))
    assert ended.problem == ""
    status, out, err = ended.said
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert name in err


# ---- what no file can hold -----------------------------------------------------------------


def _no_photo(path: Path) -> str:
    """The one line that is said of `path`."""
    ended: Ended = apart(outcome, str(path), [])
    assert ended.problem == ""
    assert ended.said["outcome"] == "error"
    assert "\n" not in ended.said["error"]
    return str(ended.said["error"])


def test_what_is_no_file_is_said_to_be_none(tmp_path: Path) -> None:
    made = {name: tmp_path / f"{name}.jpg" for name in ("folder", "nowhere", "itself", "pipe")}
    made["folder"].mkdir()
    made["nowhere"].symlink_to(tmp_path / "gone.jpg")
    made["itself"].symlink_to(made["itself"])
    os.mkfifo(made["pipe"])
    made["endless"] = tmp_path / "endless.jpg"
    made["endless"].symlink_to("/dev/zero")
    made["missing"] = tmp_path / "missing.jpg"
    made["long"] = Path("/".join(["x" * 200] * 25))
    for path in made.values():
        assert str(path) in _no_photo(path)
