"""Which photos a batch is of: trees, patterns, links, pairs, sidecars, odd names."""

import os
import random
import sys
from pathlib import Path

import cv2
import fsspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from depthfx.batch.deliver import written
from depthfx.batch.globs import any_of
from depthfx.batch.job import Job, Result, Status
from depthfx.batch.journal import Journal
from depthfx.batch.photos import find_photos, header_px
from depthfx.errors import DepthfxError, ParameterError, PhotoError
from depthfx.natural import natural


def files(top: Path, *names: str) -> Path:
    for name in names:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return top


def names(*places, **how) -> list[str]:
    return [item.name for item in find_photos(list(places), **how)]


def test_a_folder_is_searched_to_its_bottom_in_the_order_people_count(tmp_path):
    files(tmp_path, "b/IMG_10.JPG", "b/IMG_9.JPG", "a.png", "b/c/d/x.CR3", "b/notes.txt")
    assert names(tmp_path) == ["a.png", "b/c/d/x.CR3", "b/IMG_9.JPG", "b/IMG_10.JPG"]


def test_what_is_hidden_or_made_by_programs_is_no_photo(tmp_path):
    files(
        tmp_path,
        "a.jpg",
        ".hidden.jpg",
        "._a.jpg",
        ".cache/b.jpg",
        "@eaDir/a.jpg/thumb.jpg",
        "Previews.lrdata/1.jpg",
        "depthfx-report/pictures/a.jpg",
        "cut/layer-1.png",
        "cut/depthfx.json",
    )
    assert names(tmp_path) == ["a.jpg"]


def test_what_another_batch_has_made_is_left_out_and_photos_beside_it_are_not(tmp_path):
    """Also where it wrote its results among the photos."""
    files(tmp_path, "day/a.jpg", "day/a-portrait.jpg", "day/new.jpg", "b.jpg")
    with Journal(tmp_path / "day", "look") as journal:
        job = Job("a.jpg", str(tmp_path / "day/a.jpg"), "a-soft.jpg", "")
        staged = journal.staging / job.slot / job.target
        staged.parent.mkdir()
        staged.write_bytes(b"a result")
        made = written(staged, staged.parent)
        journal.delivered(job, Result(job.name, job.source, Status.DONE, (made,)))
    assert (tmp_path / "day/a-soft.jpg").is_file()
    left = ["a-portrait.jpg", "a.jpg", "new.jpg"]
    assert names(tmp_path) == ["b.jpg", *(f"day/{name}" for name in left)]
    assert names(tmp_path / "day", out=tmp_path / "day") == left
    # Whoever names the folder of results for another batch means them.
    assert "a-soft.jpg" in names(tmp_path / "day")


def test_in_a_store_too_the_output_folder_is_left_out():
    store = fsspec.filesystem("memory")
    for name in ("day1/1.jpg", "day2/1.CR3", "day2/1.jpg", "day2/1.matte.png", "out/1.jpg"):
        store.pipe(f"/find-photos/in/{name}", b"")
    top = "memory://find-photos/in"
    assert names(top, out=f"{top}/out") == ["day1/1.jpg", "day2/1.CR3"]
    assert names(f"{top}/day1", f"{top}/day2") == ["day1/1.jpg", "day2/1.CR3"]
    assert names(f"{top}/day2/1.jpg") == ["1.jpg"]
    raw = find_photos([f"{top}/day2"])[0]
    assert raw.companions["matte"].endswith("in/day2/1.matte.png")


def test_the_output_folder_is_left_out_where_it_lies_within(tmp_path):
    files(tmp_path, "a.jpg", "out/a.jpg")
    assert names(tmp_path, out=tmp_path / "out") == ["a.jpg"]
    assert names(tmp_path) == ["a.jpg", "out/a.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_are_followed_once_and_never_in_circles(tmp_path):
    files(tmp_path, "in/real/a.jpg", "elsewhere/b.jpg")
    (tmp_path / "in/aaa").symlink_to(tmp_path / "in")
    (tmp_path / "in/also").symlink_to(tmp_path / "in/real/a.jpg")
    (tmp_path / "in/also.jpg").symlink_to(tmp_path / "in/real/a.jpg")
    (tmp_path / "in/other").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/zzz.jpg").symlink_to(tmp_path / "elsewhere/b.jpg")
    (tmp_path / "in/gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert names(tmp_path / "in") == ["gone.jpg", "other/b.jpg", "real/a.jpg"]


def test_the_same_photo_named_twice_is_one(tmp_path, monkeypatch):
    files(tmp_path, "in/a.jpg", "in/b.jpg")
    monkeypatch.chdir(tmp_path)
    assert names("in/a.jpg", "in/../in/a.jpg", "in") == ["a.jpg", "b.jpg"]


def test_names_count_from_what_all_places_have_in_common(tmp_path):
    files(tmp_path, "a/1.jpg", "b/1.jpg", "b/c/2.jpg")
    assert names(tmp_path / "a", tmp_path / "b") == ["a/1.jpg", "b/1.jpg", "b/c/2.jpg"]
    assert names(tmp_path / "a/1.jpg", tmp_path / "b/1.jpg") == ["a/1.jpg", "b/1.jpg"]
    assert names(tmp_path / "b/c/2.jpg") == ["2.jpg"]


@pytest.mark.parametrize("pattern", ["in/*/*.jpg", "in/**/[ab].j?g", "in/./x/*"])
def test_patterns_that_no_shell_has_filled(tmp_path, monkeypatch, pattern):
    files(tmp_path, "in/x/a.jpg", "in/x/b.JPG", "in/c.jpg", "in/x/a.matte.png", "in/x/a.txt")
    monkeypatch.chdir(tmp_path)
    found = find_photos([pattern])
    # What a pattern has before its first * is the folder that names count from.
    inner = "" if "x/*" in pattern else "x/"
    assert [item.name for item in found] == [f"{inner}a.jpg", f"{inner}b.JPG"]
    assert Path(found[0].companions["matte"]) == Path("in/x/a.matte.png")


def test_a_name_with_brackets_that_is_there_is_no_pattern(tmp_path):
    files(tmp_path, "IMG[1].jpg", "IMG1.jpg")
    assert names(tmp_path / "IMG[1].jpg") == ["IMG[1].jpg"]


def test_include_and_exclude(tmp_path):
    files(tmp_path, "a.jpg", "b.PNG", "day/a.jpg", "day/rejects/c.jpg", "other/rejects.jpg")
    assert names(tmp_path, include=["*.png"]) == ["b.PNG"]
    assert names(tmp_path, include=["day/"], exclude=["rejects/"]) == ["day/a.jpg"]
    assert names(tmp_path, exclude=["/a.jpg", "other/*"]) == [
        "b.PNG",
        "day/a.jpg",
        "day/rejects/c.jpg",
    ]


def test_raw_and_jpeg_of_one_shot_are_one_photo(tmp_path):
    files(tmp_path, "1.CR3", "1.jpg", "2.NEF", "3.JPG", "4.dng", "4.HEIC", "5.arw", "5.tif")
    kept = {item.name: item for item in find_photos([tmp_path])}
    assert list(kept) == ["1.CR3", "2.NEF", "3.JPG", "4.dng", "5.arw", "5.tif"]
    assert kept["1.CR3"].companions == {"jpeg": str(tmp_path / "1.jpg")}
    assert names(tmp_path, pairs="jpeg") == [
        "1.jpg", "2.NEF", "3.JPG", "4.HEIC", "5.arw", "5.tif"
    ]  # fmt: skip
    assert len(names(tmp_path, pairs="both")) == 8
    # Who asks for the JPEGs alone loses none to a raw file that he did not ask for.
    assert names(tmp_path, include=["*.jpg"]) == ["1.jpg", "3.JPG"]
    with pytest.raises(ParameterError, match="pairs"):
        find_photos([tmp_path], pairs="none")


def test_sidecars_are_found_by_name_and_are_no_photos(tmp_path):
    files(
        tmp_path,
        "1.jpg",
        "1.matte.png",
        "1-mask.tif",
        "1_depth.jpg",
        "1.DEPTH.EXR",
        "1.depthfx.toml",
        "2.CR3",
        "2.cr3-mask.png",
        "alone-mask.png",
        "1.xmp",
    )
    found = {item.name: item.companions for item in find_photos([tmp_path])}
    assert found == {
        "1.jpg": {
            "depth": str(tmp_path / "1.DEPTH.EXR"),
            "matte": str(tmp_path / "1.matte.png"),
            "overrides": str(tmp_path / "1.depthfx.toml"),
        },
        "2.CR3": {"matte": str(tmp_path / "2.cr3-mask.png")},
        "alone-mask.png": {},
    }
    # All that a shell makes of "*" is named, and still only photos are tried.
    assert names(*sorted(tmp_path.iterdir())) == list(found)


def test_a_picture_of_depth_is_neither_depth_nor_a_photo(tmp_path):
    """As `depthfx depth --colours` writes it."""
    import depthfx
    from depthfx.engine.colour_export import colour_export
    from depthfx.engine.depth_write import write_exports

    scene = depthfx.Scene.from_arrays(
        np.zeros((8, 8, 3), np.float32), inverse=np.eye(8, dtype=np.float32), focal_px=8
    )
    files(tmp_path, "a.jpg", "b.jpg", "b-depth.png", "b-depth.png.json")
    path = tmp_path / "a-depth.png"
    export = colour_export(scene.photo, scene.depth, path, "turbo", legend=False, bits=None)
    write_exports([export], scene.depth, scene.camera, source=tmp_path / "a.jpg", overwrite=False)
    found = find_photos([tmp_path])
    assert [(item.name, list(item.companions)) for item in found] == [
        ("a.jpg", []),
        ("b.jpg", ["depth"]),
    ]


def test_sidecars_in_a_folder_of_their_own(tmp_path):
    files(tmp_path, "day1/a.jpg", "day1/b.jpg", "mattes/day1/a.png", "day1/d/b.exr", "c.jpg")
    how = {"matte": "mattes/{folder}/{stem}.png", "depth": "d/{stem}.exr"}
    found = {item.name: item.companions for item in find_photos([tmp_path], sidecars=how)}
    assert list(found) == ["c.jpg", "day1/a.jpg", "day1/b.jpg"]
    assert found["c.jpg"] == {}
    assert Path(found["day1/a.jpg"]["matte"]) == tmp_path / "mattes/day1/a.png"
    assert Path(found["day1/b.jpg"]["depth"]) == tmp_path / "day1/d/b.exr"
    with pytest.raises(ParameterError, match="no photo has a matte"):
        find_photos([tmp_path], sidecars={"matte": "maskes/{stem}.png"})


def test_what_depthfx_has_made_of_a_photo_is_no_other_photo(tmp_path):
    files(tmp_path, "anna.jpg", "anna-portrait.jpg", "bert.jpg", "bert-fog-portrait.png")
    (tmp_path / "bert-fog-portrait.png").write_bytes(b"... depthfx 0.1.0 ...")
    # By its name alone nothing is given up: Anna has a portrait of her own.
    assert names(tmp_path) == ["anna-portrait.jpg", "anna.jpg", "bert.jpg"]


def test_films_only_where_they_are_meant(tmp_path):
    files(tmp_path, "a.heic", "a.MOV", "clip.mp4")
    assert names(tmp_path) == ["a.heic"]
    assert names(tmp_path, include=["*.mp4", "*.mov"]) == ["clip.mp4"]
    assert names(tmp_path / "clip.mp4") == ["clip.mp4"]


def test_a_named_file_is_tried_whatever_it_is(tmp_path):
    files(tmp_path, "letter.txt")
    assert names(tmp_path / "letter.txt", tmp_path / "missing.jpg") == ["letter.txt", "missing.jpg"]


@pytest.mark.skipif(sys.platform != "linux", reason="names are text on other systems")
def test_names_of_any_bytes(tmp_path):
    odd = [b"quo'te\".jpg", b"new\nline.jpg", "\N{WEDDING}.jpg".encode(), b"not\xff utf-8.jpg"]
    for name in odd:
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))).write_bytes(b"")
    assert sorted(os.fsencode(name) for name in names(tmp_path)) == sorted(odd)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_folder_that_cannot_be_read_is_told_of(tmp_path):
    files(tmp_path, "in/a.jpg", "in/locked/b.jpg")
    (tmp_path / "in/locked").chmod(0)
    try:
        found = {item.name: item.fault for item in find_photos([tmp_path / "in"])}
        assert found.keys() == {"a.jpg", "locked"}
        assert "locked: the photos in it cannot be found" in found["locked"]
        with pytest.raises(PhotoError, match="cannot be found"):
            find_photos([tmp_path / "in/locked"])
    finally:
        (tmp_path / "in/locked").chmod(0o700)


def test_nothing_found_is_said(tmp_path):
    files(tmp_path, "notes.txt")
    with pytest.raises(ParameterError, match="there is no photo"):
        find_photos([tmp_path])
    with pytest.raises(ParameterError, match=r"no photo .*include \*\.heic"):
        find_photos([files(tmp_path, "a.jpg")], include=["*.heic"])
    with pytest.raises(ParameterError, match="no photo is named"):
        find_photos([])
    assert find_photos([files(tmp_path / "empty", "x.txt")], empty=True) == []


def test_an_empty_word_is_not_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(files(tmp_path, "a.jpg"))
    with pytest.raises(ParameterError, match="'' names no photo"):
        find_photos([""])
    assert names(".") == ["a.jpg"]


def test_sizes_are_those_of_the_header(tmp_path, shared):
    cv2.imwrite(str(tmp_path / "a.jpg"), np.zeros((30, 40, 3), np.uint8))
    files(tmp_path, "empty.png")
    assert header_px(str(tmp_path / "a.jpg")) == 1200
    assert [header_px(str(tmp_path / name)) for name in ("empty.png", "missing.jpg", ".")] == [
        0
    ] * 3
    raws = sorted((shared / "photos/good/raw").glob("*.dng"))
    assert any(header_px(str(path)) > 1000 for path in raws)


def test_the_order_of_places_does_not_matter(tmp_path):
    files(tmp_path, *(f"{day}/{n}.jpg" for day in "abc" for n in range(20)))
    places = [tmp_path / "a", tmp_path / "b", tmp_path / "c/1.jpg", tmp_path / "c/2.jpg"]
    expected = find_photos(places)
    random.Random(3).shuffle(places)
    assert find_photos(places) == expected


@given(st.lists(st.integers(0, 10**9), unique=True))
def test_numbers_in_names_are_in_order(numbers):
    ordered = sorted((f"IMG_{n}.jpg" for n in numbers), key=natural)
    assert ordered == [f"IMG_{n}.jpg" for n in sorted(numbers)]


@pytest.mark.parametrize(
    ("pattern", "fits", "not_fits"),
    [
        ("*.jpg", ["a.jpg", "x/y/A.JPG"], ["a.jpg2", "a.jpeg"]),
        ("day/*", ["day/a.jpg", "day/x/b.jpg"], ["x/day/a.jpg", "day"]),
        ("/a.jpg", ["a.jpg"], ["x/a.jpg"]),
        ("**/a.jpg", ["a.jpg", "x/y/a.jpg"], ["x/ba.jpg"]),
        ("a/**/b", ["a/b", "a/x/y/b", "a/b/c"], ["a/xb", "b"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "ab"]),
        ("rejects/", ["x/rejects/1.jpg", "rejects/"], ["rejects"]),
        ("rejects", ["x/rejects/1.jpg", "rejects"], ["rejects.jpg"]),
        ("IMG_[0-4]?.*", ["IMG_12.CR3"], ["IMG_52.CR3", "IMG_1.CR3"]),
        ("[!a]*", ["b/a.jpg"], ["a.jpg"]),
        ("a\nb*", ["a\nb\n.jpg"], ["ab.jpg"]),
        ("x/", ["a\nb/x/1\n2.jpg"], []),
        ("(1)+[2.jpg", ["(1)+[2.jpg"], ["12.jpg"]),
    ],
)
def test_patterns(pattern, fits, not_fits):
    test = any_of([pattern])
    assert [name for name in fits if not test(name)] == []
    assert [name for name in not_fits if test(name)] == []


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
@example("[b-a]", "b")
@example("[!]", "!")
@example("[a\\]", "a")
def test_any_text_is_a_pattern_or_refused_in_words(pattern, name):
    said = "a pattern"
    try:
        any_of([pattern])(name)
    except DepthfxError as error:
        said = str(error)
    assert "pattern" in said


@given(st.lists(st.text("abc .-_()+{}", min_size=1, max_size=5), min_size=1, max_size=4))
def test_a_name_without_magic_fits_itself_alone(parts):
    name = "/".join(part.strip(".") or "x" for part in parts)
    assert any_of(["/" + name])(name)
    assert not any_of(["/" + name])("y" + name)
