"""The reference photos against what is known of them, where they lie beside the repository.

Files of formats that are not read yet are counted out by their first bytes; that every
other one is asked is asserted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from depthfx.camera import FocalOrigin
from depthfx.photo.decode import FORMATS
from depthfx.photo.encode import stored_form
from depthfx.photo.photo import Metadata
from depthfx.photo.read import read_photo
from depthfx.photo.write import write_photo

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "photos"
FOLDERS = tuple(
    f"good/{name}/" for name in ("orientation", "icc", "modes", "meta", "focal", "sizes", "names")
)
NOT_READ_YET = ("cmyk", "ycck", "float")


def known() -> Iterator[Any]:
    if not (PHOTOS / "expect.json").is_file():
        return
    rows = json.loads((PHOTOS / "expect.json").read_text())["files"]
    for name, row in rows.items():
        if not name.startswith(FOLDERS) or any(word in name for word in NOT_READ_YET):
            continue
        with (PHOTOS / name).open("rb") as file:
            head = file.read(32)
        if any(fits(head) for _, fits, _ in FORMATS):
            yield pytest.param(name, row, id=name)


KNOWN = list(known())


def test_there_are_reference_photos_to_ask() -> None:
    if not PHOTOS.is_dir():
        pytest.skip("the reference photos are not beside this repository")
    assert len(KNOWN) > 90


@pytest.mark.parametrize(("name", "row"), KNOWN)
def test_reference_photo(name: str, row: dict, tmp_path: Path) -> None:
    photo = read_photo(PHOTOS / name)
    assert photo.shape == (row["height"], row["width"])
    assert np.isfinite(photo.pixels).all()
    if row["mode"]["bit_depth"] in (8, 16):
        assert photo.metadata.bit_depth == row["mode"]["bit_depth"]
    assert (photo.alpha is not None) == row["mode"]["alpha"]

    srgb = stored_form(replace(photo, metadata=Metadata(), alpha=None), 8).codes.astype(int)
    # DCF's Adobe RGB needs an interoperability tag, which this file does not have.
    ignored = row["if_profile_ignored"] if "r03_no_icc" in name else {}
    for point in row["pixels"]:
        wanted = ignored.get(point["corner"], point.get("rgb"))
        if wanted:
            assert np.abs(srgb[point["y"], point["x"]] - wanted).max() <= point["tol"], point

    focal = row["focal_px"]
    if focal is None:
        assert photo.camera.origin is FocalOrigin.GUESS
    elif not focal.get("optional"):
        assert photo.camera.focal_px == pytest.approx(focal["value"], rel=focal["tol_rel"])
    if row["outcome"] == "ok":
        assert (
            photo.warnings == ()
            or "ok-with-warning" in row.get("also_acceptable", [])
            or "cropped" in photo.warnings[0]
        )
    elif "ok" not in row.get("also_acceptable", []):
        assert photo.warnings

    write_photo(photo, tmp_path / "out.png")
    back = read_photo(tmp_path / "out.png")
    bits = photo.metadata.bit_depth
    difference = (
        stored_form(back, bits).with_alpha_last().astype(int)
        - stored_form(photo, bits).with_alpha_last()
    )
    assert np.abs(difference).max() <= 1
    assert back.metadata.icc == photo.metadata.icc
