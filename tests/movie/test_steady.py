"""Depth held steady: what rests rests, what moves drags nothing along, a cut begins anew."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.movie.steady import Beside, Glimpse, calm, settled, small_rgb, steady, windows

GRID = (48, 64)
FRAME = (144, 192)


def texture(seed, shape=(240, 320)):
    """(H, W, 3) float32, 0..1: clouds of colour with detail that flow can hold on to."""
    random = np.random.default_rng(seed)
    out = np.zeros((*shape, 3), np.float32)
    for cells in (8, 24, 60):
        noise = random.random((cells * shape[0] // shape[1], cells, 3), np.float32)
        out += cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC) / 3
    return np.clip(1.6 * out - 0.3, 0, 1)


def slope(shape=(240, 320)):
    """Inverse depth of a floor and a wall, 0.2 to 1 1/m."""
    rows = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None]
    return np.broadcast_to(0.2 + 0.8 * np.maximum(rows - 0.3, 0), shape).astype(np.float32)


def small(plane):
    return cv2.resize(plane, GRID[::-1], interpolation=cv2.INTER_AREA)


def still(count, seed=0, noise=0.01):
    """Pictures of one scene, with a sensor's noise."""
    random = np.random.default_rng(seed)
    picture = texture(1)[: FRAME[0], : FRAME[1]]
    for _ in range(count):
        yield np.clip(picture + random.normal(0, noise, picture.shape), 0, 1).astype(np.float32)


def changes(planes):
    """The mean change from one to the next."""
    return float(np.mean(np.abs(np.diff(np.array(planes), axis=0))))


def seen(pictures, inverses, mattes=None):
    none = np.zeros(GRID, np.float32)
    mattes = [none] * len(inverses) if mattes is None else mattes
    return [Glimpse(*each) for each in zip(pictures, inverses, mattes, strict=True)]


@given(st.integers(0, 12), st.integers(0, 5))
def test_windows_are_what_lies_around_each(count, around):
    got = [(list(window), index) for window, index in windows(range(count), around)]
    assert [window[index] for window, index in got] == list(range(count))
    for window, index in got:
        own = window[index]
        expected = [k for k in range(own - around, own + around + 1) if 0 <= k < count]
        assert [k for k in window if abs(k - own) <= around] == expected
        assert len(window) <= 2 * around + 1


def test_where_nothing_changes_nothing_is_changed():
    picture = next(iter(still(1)))
    inverse, matte = small(slope()), small(texture(5)[..., 0])
    glimpses = seen([picture] * 6, [inverse] * 6, [matte] * 6)
    for each in steady(glimpses, around=3):
        np.testing.assert_allclose(each.inverse, inverse, rtol=1e-5)
        np.testing.assert_allclose(each.matte, matte, atol=1e-5)
        assert each.shot == 0


@pytest.mark.parametrize("relative", [False, True], ids=["metric", "relative"])
def test_a_network_that_wavers_is_held(relative):
    """Its scale (and shift) jumps by 5 %, and each place by 5 % of its own."""
    random = np.random.default_rng(3)
    true, count = small(slope()), 24
    inverses = []
    for _ in range(count):
        each = true * random.normal(1, 0.05) * random.normal(1, 0.05, GRID)
        each = each + (random.normal(0, 0.02) if relative else 0)
        inverses.append(np.maximum(each, 0.01).astype(np.float32))
    glimpses = seen(still(count), inverses)
    held = [each.inverse for each in steady(glimpses, relative=relative)]
    assert changes(held) < changes(inverses) / 6
    if not relative:
        assert np.abs(np.mean(held, 0) / true - 1).mean() < 0.03


def test_a_camera_that_pans_takes_its_depth_along():
    room, random, count = texture(2), np.random.default_rng(4), 16
    depth = 0.2 + 0.6 * texture(7)[..., 0]
    depth = cv2.GaussianBlur(depth, (0, 0), 8)
    pictures = [room[: FRAME[0], 3 * k : 3 * k + FRAME[1]] for k in range(count)]
    true = [small(depth[: FRAME[0], 3 * k : 3 * k + FRAME[1]]) for k in range(count)]
    wavering = [(t * random.normal(1, 0.05, GRID)).astype(np.float32) for t in true]
    held = [each.inverse for each in steady(seen(pictures, wavering))]
    error = [np.abs(h / t - 1)[2:-2, 2:-2].mean() for h, t in zip(held, true, strict=True)]
    own = [np.abs(w / t - 1).mean() for w, t in zip(wavering, true, strict=True)]
    assert np.mean(error) < np.mean(own) / 2.5


def test_what_moves_drags_no_ghost_behind():
    """A ball before a wall, its matte right in each frame, has to keep that matte."""
    room, ball = texture(2), texture(9) * np.float32([1, 0.6, 0.4])
    rows, columns = np.mgrid[: FRAME[0], : FRAME[1]]
    pictures, mattes, inverses = [], [], []
    for k in range(20):
        x = 40 + 5 * k
        inside = np.hypot(columns - x, rows - 80) < 28
        moved = np.roll(ball, 5 * k, 1)[: FRAME[0], : FRAME[1]]
        pictures.append(np.where(inside[..., None], moved, room[: FRAME[0], : FRAME[1]]))
        mattes.append(small(inside.astype(np.float32)))
        inverses.append(small(np.where(inside, 1, slope(FRAME) / 2).astype(np.float32)))
    held = list(steady(seen(pictures, inverses, mattes)))
    error = [np.abs(h.matte - m) for h, m in zip(held, mattes, strict=True)]
    disc = float(np.mean(mattes))
    assert np.mean(error) < 0.06 * disc
    # Where the ball was four frames ago there is nothing of it.
    for k in range(8, 20):
        gone = (mattes[k - 4] > 0.99) & (mattes[k - 1] < 0.01) & (mattes[k] == 0)
        assert held[k].matte[gone].max(initial=0) < 0.1


def test_a_cut_begins_anew():
    one, two = texture(1)[: FRAME[0], : FRAME[1]], texture(8)[: FRAME[0], : FRAME[1]]
    near, far = np.full(GRID, 1, np.float32), np.full(GRID, 0.1, np.float32)
    held = list(steady(seen([one] * 7 + [two] * 5, [near] * 7 + [far] * 5)))
    assert [each.shot for each in held] == [0] * 7 + [1] * 5
    np.testing.assert_allclose([each.inverse for each in held[:7]], 1, rtol=1e-6)
    np.testing.assert_allclose([each.inverse for each in held[7:]], 0.1, rtol=1e-6)


def test_depth_that_changes_slowly_is_followed_without_lag():
    """The camera walks on: what is near comes nearer by 1 % a frame."""
    pictures = [next(iter(still(1)))] * 30
    inverses = [np.float32(1.01**k) * small(slope()) for k in range(30)]
    held = list(steady(seen(pictures, inverses), around=6))
    for k in range(8, 22):
        np.testing.assert_allclose(held[k].inverse, inverses[k], rtol=0.004)


def test_frames_alone_stay_as_they_are():
    glimpses = seen(still(3), [np.float32(k + 1) * small(slope()) for k in range(3)])
    for each, glimpse in zip(steady(glimpses, around=0), glimpses, strict=True):
        np.testing.assert_allclose(each.inverse, glimpse.inverse, rtol=1e-5)
        assert each.beside == ()


def test_noise_goes_and_what_is_another_thing_stays_out():
    random = np.random.default_rng(5)
    clean = np.rint(255 * texture(1)[:96, :128])
    noisy = [np.clip(clean + random.normal(0, 4, clean.shape), 0, 255) for _ in range(7)]
    own, others = (
        noisy[3].astype(np.uint8),
        {k - 3: n.astype(np.uint8) for k, n in enumerate(noisy)},
    )
    beside = [
        Beside(step, np.zeros((12, 16, 2), np.float32), np.ones((12, 16), np.float32))
        for step in (-3, -2, -1, 1, 2, 3)
    ]
    calmed = calm(own, others, beside)
    # Seven frames have a standard deviation that is a 2.6th of one's.
    assert np.abs(calmed - clean).mean() < np.abs(own - clean).mean() / 2
    others = {step: np.full_like(own, 255 * (step % 2)) for step in others}
    assert np.abs(calm(own, others, beside).astype(int) - own).mean() < 0.5


def test_light_is_shown_small_and_encoded():
    pixels = np.full((600, 900, 3), 0.2159, np.float32)
    rgb = small_rgb(pixels)
    assert rgb.shape == (270, 405, 3)
    np.testing.assert_allclose(rgb, 0.502, atol=0.002)


def beside(step, columns=0.0, trust=1.0):
    flow = np.zeros((*GRID, 2), np.float32)
    flow[..., 0] = columns
    return Beside(step, flow, np.full(GRID, trust, np.float32))


@given(st.lists(st.floats(0, 1, width=32), min_size=5, max_size=5))
def test_what_rests_is_settled_by_the_median_of_five(values):
    planes = {k - 2: np.full(FRAME, value, np.float32) for k, value in enumerate(values)}
    around = [beside(step) for step in (-2, -1, 1, 2)]
    out = settled(planes.pop(0), planes, around)
    np.testing.assert_array_equal(out, np.float32(np.median(np.float32(values))))


def test_an_edge_that_leaps_in_one_frame_is_put_back_and_stays_sharp():
    """A camera pans by one cell, 3 pixels, a frame; the middle frame's edge is drawn elsewhere."""
    own = np.full(FRAME, 0.2, np.float32)
    own[:, 90:] = 1
    others = {}
    for step in (-2, -1, 1, 2):
        others[step] = np.full(FRAME, 0.2, np.float32)
        others[step][:, 99 + 3 * step :] = 1
    out = settled(own, others, [beside(step, columns=step) for step in (-2, -1, 1, 2)])
    np.testing.assert_array_equal(np.unique(out), np.float32([0.2, 1]))
    np.testing.assert_array_equal(out[0].argmax(), 99)
    # Nobody else is to be believed: it stays where it was drawn.
    alone = settled(own, others, [beside(step, step, trust=0) for step in (-2, -1, 1, 2)])
    np.testing.assert_array_equal(alone, own)
    np.testing.assert_array_equal(settled(own, {}, []), own)


@pytest.mark.parametrize("shape", [(1, 1), (2, 64), (8, 40), (12, 300), (40, 31), (400, 2)])
def test_narrow_pictures_are_steadied_without_flow(shape):
    random = np.random.default_rng(0)
    pictures = [random.random((*shape, 3), np.float32) for _ in range(3)]
    plane = np.ones(GRID, np.float32)
    held = list(steady(seen(pictures, [plane] * 3)))
    for each in held:
        np.testing.assert_allclose(each.inverse, plane, rtol=1e-6)
