"""Damaged files of every kind, the same ones on every run: depthfx answers with a picture of
finite pixels or with an error of its own in one line, and what once brought it down stays mended.

`tests/fuzz/fuzz_photos.py` does the same for hours.
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from random import Random

import pytest
from apart import apart
from hostile_work import FUZZ, answers

REGRESSIONS = Path(__file__).with_name("regressions")
LARGEST_REGRESSION_BYTES = 4096
ROUNDS = 25
CPU_S = 60

sys.path.append(str(FUZZ))

import fuzz_photos  # noqa: E402
import mutations  # noqa: E402
import own_corpus  # noqa: E402

FILES = own_corpus.files()


@pytest.mark.parametrize("name", FILES)
def test_damaged_photo(name: str) -> None:
    """Seed -1 is the file as it is."""
    ended = apart(answers, "photo", FILES[name], -1, ROUNDS, cpu_s=CPU_S)
    assert ended.problem == ""
    assert not ended.said, ended.said[0]


@pytest.mark.parametrize(
    ("target", "data"),
    [
        ("exif", own_corpus.exif()),
        ("xmp", own_corpus.XMP),
        ("profile", own_corpus.srgb_profile()),
        ("recipe", fuzz_photos.RECIPE.encode()),
    ],
)
def test_damaged_text_and_tags(target: str, data: bytes) -> None:
    ended = apart(answers, target, data, -1, 10 * ROUNDS, cpu_s=CPU_S)
    assert ended.problem == ""
    assert not ended.said, ended.said[0]


@pytest.mark.parametrize("name", sorted(path.name for path in REGRESSIONS.glob("*.bin")))
def test_what_was_found_once_is_mended(name: str) -> None:
    path = REGRESSIONS / name
    assert path.stat().st_size <= LARGEST_REGRESSION_BYTES
    target = name.partition("-")[0]
    ended = apart(answers, target, path.read_bytes(), -1, 1)
    assert ended.problem == ""
    assert not ended.said, ended.said[0]


def test_mutations_are_the_same_for_the_same_seed() -> None:
    data = FILES["said.jpg"]
    made = [mutations.mutated(data, Random(seed)) for seed in range(50)]
    assert made == [mutations.mutated(data, Random(seed)) for seed in range(50)]
    assert len({*made, data}) > 45


def test_a_mutated_png_keeps_true_checksums() -> None:
    """Else every damage would end at the first check."""
    data = FILES["said.png"]
    made = [mutations._png(data, Random(seed)) for seed in range(20)]
    for one in made:
        at = 8
        while at < len(one):
            size = int.from_bytes(one[at : at + 4], "big")
            body = one[at + 4 : at + 8 + size]
            assert zlib.crc32(body).to_bytes(4, "big") == one[at + 8 + size : at + 12 + size]
            at += 12 + size
    assert sum(one != data for one in made) > 10
