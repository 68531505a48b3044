"""What a whole set has in common: the same whoever comes first, and worth the same to all."""

import json
import random
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.batch.job import Job, Result, Settings, Status
from depthfx.batch.look import Look
from depthfx.batch.photos import Item, find_photos
from depthfx.batch.sections import INFINITE_M, Lock, range_m
from depthfx.batch.survey import contribution, locked_to, plain, surveyed
from depthfx.batch.work import Bench
from depthfx.chain import Chain
from depthfx.engine.known import length_m
from depthfx.errors import ParameterError
from depthfx.light.near_to_far import reach_of
from depthfx.scene import Scene
from depthfx_effects import Bokeh, DepthPicture, Grade

SET = Lock(focus="set", depth_range="set")


def scene(nearest_m: float, farthest_m: float, subject_m: float, *, sky: bool = False) -> Scene:
    """Depth from near to far, row by row, in inverse depth; a subject before it."""
    inverse = np.linspace(1 / nearest_m, 1 / farthest_m, 64, dtype=np.float32)[:, None]
    inverse = np.repeat(inverse, 80, 1)
    if sky:
        inverse[:16] = 0
    matte = np.zeros_like(inverse)
    inverse[24:40, 30:50], matte[24:40, 30:50] = 1 / subject_m, 1
    grey = np.full((64, 80, 3), 0.2, np.float32)
    return Scene.from_arrays(grey, inverse=inverse, matte=matte, focal_px=80.0)


def look_of(lock: Lock, *effects) -> Look:
    return Look(Chain(*effects), lock=lock)


spreads = st.tuples(st.floats(0.5, 5), st.floats(6, 80), st.floats(1, 10))


@given(st.lists(spreads, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_photos_does_not_matter(photos, shuffler):
    said = [contribution(scene(*photo)) for photo in photos]
    look = look_of(SET, Bokeh())
    expected = locked_to(look, said)
    shuffler.shuffle(said)
    assert locked_to(look, json.loads(json.dumps(said))) == expected
    assert not expected.surveys


def test_the_focus_of_all_is_the_median_subject():
    said = [contribution(scene(1, 50, metres)) for metres in (2.0, 3.0, 9.0)]
    locked = locked_to(look_of(Lock(focus="set"), Bokeh()), said)
    assert locked.lock.focus == "3m"
    assert locked.locked_chain == Chain(Bokeh(focus_m=3))


def test_the_range_of_a_set_of_one_is_that_photos_own():
    one = scene(2, 40, 5)
    locked = locked_to(look_of(SET, DepthPicture(), Grade()), [contribution(one)])
    near, far = range_m(locked.lock.depth_range)
    surface = one.depth.surface
    assert 1 / near == pytest.approx(np.percentile(surface, 99), rel=0.02)
    assert 1 / far == pytest.approx(np.percentile(surface, 1), rel=0.02)
    reach = range_m(locked.lock.reach)
    assert (1 / reach[0], 1 / reach[1]) == pytest.approx(reach_of(surface), rel=0.02)


def test_a_distance_has_one_colour_in_all_photos():
    photos = [scene(1, 10, 4), scene(3, 60, 4)]

    def at_subject(look: Look) -> list[np.ndarray]:
        return [look.locked_chain(photo).photo.pixels[32, 40] for photo in photos]

    each = look_of(Lock(), DepthPicture())
    said = [contribution(photo) for photo in photos]
    near, far = at_subject(each)
    assert np.abs(near - far).max() > 0.1
    near, far = at_subject(locked_to(look_of(SET, DepthPicture()), said))
    np.testing.assert_array_equal(near, far)


def test_a_grade_of_the_set_treats_a_distance_alike_in_all_photos():
    photos = [scene(1, 10, 4), scene(3, 60, 4)]
    said = [contribution(photo) for photo in photos]
    look = locked_to(look_of(Lock(reach="set"), Grade(far_exposure=-3)), said)
    first, second = (look.locked_chain(photo).photo.pixels[32, 40] for photo in photos)
    np.testing.assert_allclose(first, second, rtol=1e-5)


def test_sky_makes_the_range_of_pictures_infinite_and_leaves_grades_alone():
    said = [contribution(scene(2, 40, 5, sky=True))]
    lock = locked_to(look_of(SET, DepthPicture()), said).lock
    assert range_m(lock.depth_range)[1] == INFINITE_M
    assert range_m(lock.reach)[1] < 50


@pytest.mark.parametrize("inverse", [0.0, 1e-9, 0.25, 1000.0])
def test_flat_depth_makes_a_lock_that_effects_take(inverse):
    flat = Scene.from_arrays(
        np.full((8, 8, 3), 0.2, np.float32),
        inverse=np.full((8, 8), inverse, np.float32),
        matte=np.zeros((8, 8), np.float32),
        focal_px=8.0,
    )
    look = locked_to(look_of(SET, DepthPicture(), Grade(), Bokeh()), [contribution(flat)])
    assert len(look.locked_chain.effects) == 3
    assert Look.from_toml(look.to_toml()) == look


def test_what_is_not_left_to_the_set_stays():
    look = look_of(Lock(focus="0.5,0.4", depth_range="2m..30m"), Bokeh())
    assert locked_to(look, []) is look
    half = look_of(Lock(focus="2m", reach="set"), Grade())
    assert locked_to(half, [contribution(scene(2, 40, 5))]).lock.focus == "2m"


def test_relative_depth_says_nothing_of_metres():
    metric = contribution(scene(2, 40, 5))
    relative = {**metric, "metric": False, "subject": 1e-3}
    look = look_of(SET, Bokeh())
    assert locked_to(look, [relative, metric]) == locked_to(look, [metric])
    with pytest.raises(ParameterError, match="no photo of the set has depth in metres"):
        locked_to(look, [relative])


class Kept(dict):
    """Notes in memory."""

    def fact(self, name: str) -> object:
        return self.get(name)

    def note(self, name: str, value: object) -> None:
        self[name] = value


def shoot(folder: Path, *distances_m: float) -> Path:
    """Photos whose depth and subject lie beside them."""
    folder.mkdir()
    for number, metres in enumerate(distances_m):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((32, 40, 3), 90 + number, np.uint8))
        mask = np.zeros((32, 40), np.uint8)
        mask[8:24, 10:30] = 255
        cv2.imwrite(str(folder / f"{number}.matte.png"), mask)
        depth = np.full((32, 40), 4 * metres, np.float32)
        depth[mask > 0] = metres
        np.save(folder / f"{number}.depth.npy", depth)
    return folder


def test_a_set_is_looked_at_once_and_again_where_it_changed(tmp_path):
    folder = shoot(tmp_path / "in", 2, 3, 8)
    (folder / "bad.png").write_bytes(b"no photo")
    look = look_of(Lock(focus="set"), Bokeh())
    jobs = look.jobs(find_photos([folder]))
    bench = Bench(Settings(cache=None, checks=False, pictures=False), tmp_path)
    begun: list[str] = []

    def work(left):
        for job in left:
            begun.append(job.name)
            assert job.survey
            yield bench.do(job)

    notes = Kept()
    first = surveyed(jobs, look, notes, work)
    assert length_m(first.lock.focus) == pytest.approx(3, rel=1e-3)
    assert begun == ["0.png", "1.png", "2.png", "bad.png"]
    begun.clear()
    random.Random(1).shuffle(jobs)
    # Another f-number asks nothing anew; only what could not be read is tried once more.
    other = replace(look, chain=Chain(Bokeh(f_number=8)))
    jobs = [replace(job, recipe=f"{job.recipe}# other") for job in jobs]
    assert surveyed(jobs, other, notes, work).lock == first.lock
    assert begun == ["bad.png"]
    begun.clear()
    cv2.imwrite(str(folder / "1.png"), np.full((32, 40, 3), 10, np.uint8))
    surveyed(jobs, look, notes, work)
    assert sorted(begun) == ["1.png", "bad.png"]


def test_a_look_at_a_photo_asks_for_nothing_but_its_depth():
    (job,) = Look.of(Chain(Bokeh())).jobs([Item("a.jpg", "a.jpg", {"matte": "a.matte.png"})])
    only = plain(job)
    assert (only.recipe, only.target, only.saving, only.survey) == ("", "", {}, True)
    assert only.opening == job.opening


def test_a_photo_with_a_fault_is_not_asked():
    job = Job("a.jpg", "a.jpg", "", "", fault="broken")

    def work(left):
        yield from (Result(j.name, j.source, Status.FAILED) for j in left)

    look = look_of(Lock(focus="set"), Bokeh())
    with pytest.raises(ParameterError, match="no photo of the set"):
        surveyed([job], look, Kept(), work)
