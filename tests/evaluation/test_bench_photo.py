"""Every way of the benchmark does its work, on small pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from depthfx.evaluation.bench_photo import CASES, Case, make_files, measured, prepared
from depthfx.photo.photo import Photo


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bench")
    make_files(made, 120, 80)
    return made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_ours_and_the_yardsticks_do_the_same_work(folder: Path, case: Case) -> None:
    path = folder / case.file
    for way in (case.ours, *case.yardsticks):
        result = prepared(way, path)()
        if way == "read":
            assert isinstance(result, Photo)
            assert result.shape == (80, 120)
        if "write" in way:
            out = folder / f"out-{case.file}"
            if out.suffix == ".jpg":
                with Image.open(out) as image:
                    assert image.size == (120, 80)
            assert out.stat().st_size > 1000
            out.unlink()


def test_a_run_is_measured(folder: Path) -> None:
    found = measured("read", folder / "photo.jpg")
    assert found["cpu_s"] > 0
    assert 0 < found["wall_s"] < 60
    assert 0.01 < found["peak_gb"] < 16
