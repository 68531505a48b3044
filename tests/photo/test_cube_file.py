"""Colour tables in .cube files: what they say, and one line where they say nothing sound."""

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.errors import ParameterError
from depthfx.photo.cube_file import read_cube

TWO = "\n".join(f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1))


@pytest.fixture
def cube(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "look.cube"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return read_cube(path)

    return write


def test_red_changes_fastest(cube):
    table = cube(f"LUT_3D_SIZE 2\n{TWO}\n").table
    assert table.shape == (2, 2, 2, 3)
    for b, g, r in np.ndindex(2, 2, 2):
        np.testing.assert_array_equal(table[b, g, r], (r, g, b))


def test_curves_and_domains(cube):
    text = "LUT_1D_SIZE 3\nDOMAIN_MIN -1 0 0.5\nDOMAIN_MAX 1 2 4\n0 0 0\n.5 1e-1 -2\n1 1 1"
    found = cube(text)
    assert (found.low, found.high) == ((-1, 0, 0.5), (1, 2, 4))
    np.testing.assert_allclose(found.table[1], (0.5, 0.1, -2))
    ranged = cube(f"LUT_3D_SIZE 2\nLUT_3D_INPUT_RANGE 0.1 0.9\n{TWO}")
    assert (ranged.low, ranged.high) == ((0.1,) * 3, (0.9,) * 3)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_files_of_all_programs(cube, newline, encoding):
    head = 'TITLE "Grün # 1 2 3"\n# a comment\n\nLUT_3D_SIZE 2\n  # another\n'
    body = TWO.replace("\n", "\n\n# between\n ", 2)
    found = cube((head + body).replace("\n", newline), encoding)
    np.testing.assert_array_equal(found.table[1, 1, 1], 1)


@settings(max_examples=20)
@given(st.integers(2, 5), st.integers(0, 10**6))
def test_what_is_written_is_read(tmp_path_factory, nodes, seed):
    values = np.random.default_rng(seed).normal(size=(nodes**3, 3)).astype(np.float32)
    lines = [" ".join(repr(float(value)) for value in row) for row in values]
    path = tmp_path_factory.mktemp("cube") / "look.cube"
    path.write_text("\n".join([f"LUT_3D_SIZE {nodes}", *lines]))
    np.testing.assert_array_equal(read_cube(path).table.reshape(-1, 3), values)


HOSTILE = {
    "empty": ("", "names no LUT_1D_SIZE or LUT_3D_SIZE"),
    "not text": (bytes(range(256)), "line 1|names no"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "line 1: expected a keyword"),
    "no size": (TWO, "names no LUT_1D_SIZE"),
    "size 1": ("LUT_3D_SIZE 1\n0 0 0", "line 1: expected LUT_3D_SIZE with a whole number from 2"),
    "size 257": ("LUT_3D_SIZE 257\n", "whole number from 2 to 256"),
    "size huge": (f"LUT_1D_SIZE {'9' * 5000}\n", "whole number from 2 to 65536"),
    "size in words": ("LUT_3D_SIZE two\n", "line 1"),
    "size superscript": ("LUT_3D_SIZE ²\n", "line 1"),
    "two tables": ("LUT_1D_SIZE 2\nLUT_3D_SIZE 2\n", "line 2: expected one table"),
    "unknown word": (f"LUT_3D_SIZE 2\nLUT_IN_VIDEO_RANGE\n{TWO}", "line 2: .*'LUT_IN_VIDEO_RANGE'"),
    "a line short": ("LUT_3D_SIZE 2\n" + TWO[:-6], "expected 8 lines of three numbers in all"),
    "a line more": (f"LUT_3D_SIZE 2\n{TWO}\n1 1 1", "line 10: expected 8 lines"),
    "two numbers": (f"LUT_3D_SIZE 2\n{TWO[:-2]}", "line 9: expected three numbers, found '1 1'"),
    "four numbers": ("LUT_1D_SIZE 2\n0 0 0 0\n1 1 1 1", "line 2: expected three numbers"),
    "a word": ("LUT_1D_SIZE 2\n0 0 0\n1 one 1", "line 3: expected three numbers"),
    "nan": ("LUT_1D_SIZE 2\n0 0 0\n1 nan 1", "line 3: expected three numbers"),
    "infinite": ("LUT_1D_SIZE 2\n0 0 0\n1 inf 1", "line 3: expected three numbers"),
    "vast": ("LUT_1D_SIZE 2\n0 0 0\n1 1e30 1", "line 3: expected three numbers"),
    "underscores": ("LUT_1D_SIZE 2\n0 0 0\n1 1_0 1", "line 3: expected three numbers"),
    "domain of two": ("DOMAIN_MIN 0 0\nLUT_1D_SIZE 2\n0 0 0\n1 1 1", "line 1: expected three"),
    "domain falls": ("DOMAIN_MIN 1 1 1\nLUT_1D_SIZE 2\n0 0 0\n1 1 1", "does not rise"),
    "word later": (f"LUT_3D_SIZE 2\n{TWO}\nTITLE x", "line 10: expected 8 lines"),
}


@pytest.mark.parametrize(("text", "message"), HOSTILE.values(), ids=HOSTILE)
def test_one_line_says_what_is_wrong_and_where(cube, text, message):
    with pytest.raises(ParameterError, match=message) as caught:
        cube(text)
    words = str(caught.value)
    assert "look.cube" in words
    assert "\n" not in words
    assert len(words.replace(words.split("look.cube")[0], "")) < 200


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(ParameterError, match=r"none\.cube: no such file; expected a \.cube file"):
        read_cube(tmp_path / "none.cube")


@settings(max_examples=60)
@given(
    st.binary(max_size=200) | st.text("LUT_3D_SIZE 12\n.#-e\tDOMAIN", max_size=200).map(str.encode)
)
def test_nothing_but_our_own_errors(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("cube") / "look.cube"
    path.write_bytes(data)
    with suppress(ParameterError):
        assert np.isfinite(read_cube(path).table).all()


def test_what_is_no_file_is_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe.cube"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, Path("/dev/zero"), Path()):
        with pytest.raises(ParameterError, match=r"is no file; expected a \.cube file"):
            read_cube(path)
