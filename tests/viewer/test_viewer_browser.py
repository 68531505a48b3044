"""The 3D photo in a real browser, moved by real input."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import Browser, chromium
from disc_before_wall import (
    DISC,
    FAR,
    HEIGHT,
    MARGIN_PX,
    NEAR,
    SPOT,
    WIDTH,
    disc_before_wall,
    stage,
)
from numpy.typing import NDArray

from depthfx.geometry.new_view import new_view
from depthfx.geometry.pose import Pose
from depthfx.photo.colour import linear_to_srgb
from depthfx.viewer import html_element, write

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")

TITLE = 'A disc </title><script>hacked = 1</script> & a "wall" <img src=x onerror=hacked=1>'
PHOTO = "document.querySelector('.depth-photo')"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "disc.html"
    write(path, disc_before_wall(), stage(), title=TITLE, quality=95)
    return path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"), width=WIDTH, height=HEIGHT)
    yield browser
    browser.close()


@pytest.fixture
def browser(running: Browser) -> Iterator[Browser]:
    """The browser, which must have nothing to complain of in the end."""
    running.problems.clear()
    yield running
    assert running.problems == []


def shown(browser: Browser, page: Path, options: str = "still") -> None:
    browser.open(page, options)
    browser.wait(f"{PHOTO}?.dataset.state === 'moving' && {PHOTO}.dataset.at !== undefined")


def at_rest(browser: Browser) -> tuple[float, float]:
    """Waits until nothing moves; where the camera stands then."""
    browser.wait(f"{PHOTO}.dataset.at")
    x, y = map(float, browser.value(f"{PHOTO}.dataset.at").split())
    return x, y


def moved(browser: Browser, x: float, y: float) -> NDArray[np.uint8]:
    """The picture with the pointer at a place counted from -1 to 1."""
    browser.mouse((x + 1) / 2 * WIDTH, (y + 1) / 2 * HEIGHT)
    browser.wait(f"(([x, y]) => Math.hypot(x - {x}, y - {y}) < 0.01)"
                 f"({PHOTO}.dataset.at.split(' ').map(Number))")  # fmt: skip
    return browser.photograph()


def photo() -> NDArray[np.float64]:
    return 255 * linear_to_srgb(np.clip(disc_before_wall().at_rest(), 0, 1)).astype(float)


def centre(member: NDArray[np.bool_]) -> NDArray[np.float64]:
    y, x = np.nonzero(member)
    return np.array([x.mean() + 0.5, y.mean() + 0.5])


def disc_and_spot(picture: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    red, _, blue = np.moveaxis(picture.astype(int), 2, 0)
    return centre(red - blue > 80), centre(blue - red > 60)


def test_at_rest_it_is_the_photo(browser: Browser, page: Path) -> None:
    shown(browser, page)
    assert np.abs(moved(browser, 0, 0) - photo()).mean() < 1


def test_it_asks_nobody_for_anything(browser: Browser, page: Path) -> None:
    shown(browser, page, "")
    moved(browser, 0.5, 0.5)
    assert browser.requests == [page.as_uri()]


def test_its_title_is_text(browser: Browser, page: Path) -> None:
    shown(browser, page)
    assert browser.value("document.title") == TITLE
    assert browser.value(f"{PHOTO}.getAttribute('aria-label')") == TITLE
    assert browser.value("typeof hacked") == "undefined"


@pytest.mark.parametrize(("x", "y"), [(0.95, 0), (-0.6, 0.7)])
def test_near_things_move_against_far_ones_as_the_camera_says(
    browser: Browser, page: Path, x: float, y: float
) -> None:
    shown(browser, page)
    step, pivot = stage().step_m, stage().pivot_inverse
    pose = Pose((x * step, y * step, 0), shift=(-x * step * pivot, -y * step * pivot))
    matrix = pose.matrix(stage().camera)
    for found, start, inverse in zip(
        disc_and_spot(moved(browser, x, y)), (DISC, SPOT), (NEAR, FAR), strict=True
    ):
        expected = matrix @ (*start, 1, inverse)
        np.testing.assert_allclose(found, expected[:2] / expected[2], atol=0.3)


@pytest.mark.slow
def test_it_draws_what_the_renderer_of_films_draws(browser: Browser, page: Path) -> None:
    """Two ways to the same picture: rays in the page, facets in `geometry.new_view`."""
    shown(browser, page)
    found = moved(browser, 0.5, -0.6).astype(float)
    x, y = 0.5 * stage().step_m, -0.6 * stage().step_m
    pivot = stage().pivot_inverse
    view = new_view(disc_before_wall(), Pose((x, y, 0), shift=(-x * pivot, -y * pivot)))
    expected = 255 * linear_to_srgb(np.clip(view.pixels, 0, 1))
    off = np.abs(found - expected)
    assert off.mean() < 1.5
    assert np.percentile(off, 99) < 12


@pytest.mark.slow
def test_a_large_move_has_more_than_256_depths_and_a_closer_frame(
    browser: Browser, tmp_path: Path
) -> None:
    large = stage(0.35)
    write(tmp_path / "large.html", disc_before_wall(), large, title="")
    shown(browser, tmp_path / "large.html")
    assert int(browser.value(f"{PHOTO}.dataset.codes")) > 256
    x, y, width, height = map(float, browser.value(f"{PHOTO}.dataset.frame").split())
    assert width < 0.7 * WIDTH
    found, _ = disc_and_spot(moved(browser, 0.5, 0))
    texel = np.array(DISC) + MARGIN_PX - (0.5 * large.reach_px / 2, 0)
    expected = (texel - (x, y)) / (width, height) * (WIDTH, HEIGHT)
    np.testing.assert_allclose(found, expected, atol=0.5)


def test_nothing_is_uncovered_that_is_not_painted(browser: Browser, page: Path) -> None:
    shown(browser, page, "still&holes")
    for turn in np.arange(5) * math.tau / 5:
        picture = moved(browser, 0.99 * math.cos(turn), 0.99 * math.sin(turn)).astype(int)
        red, green, blue = np.moveaxis(picture, 2, 0)
        assert not ((red > 150) & (blue > 150) & (green < 100)).any()


def test_holes_are_marked(browser: Browser, tmp_path: Path) -> None:
    """So the test above can fail."""
    sheets = disc_before_wall()
    alone = type(sheets)(sheets.sheets[:1], sheets.camera, sheets.margin_px)
    write(tmp_path / "alone.html", alone, stage(), title="")
    shown(browser, tmp_path / "alone.html", "still&holes")
    red, green, blue = np.moveaxis(moved(browser, 0.9, 0).astype(int), 2, 0)
    assert ((red > 250) & (blue > 250) & (green < 5)).sum() > 200


@pytest.mark.slow
def test_an_outline_is_as_soft_as_in_the_photo(browser: Browser, page: Path) -> None:
    """Moved by parts of a pixel, the disc keeps its area: no stairs, no halo."""
    shown(browser, page)

    def area(picture: NDArray[np.uint8]) -> float:
        red, _, blue = np.moveaxis(picture.astype(int), 2, 0)
        return float((red - blue > 40).sum())

    whole = area(moved(browser, 0, 0))
    for x in (0.31, 0.77, -0.52):
        assert area(moved(browser, x, 0)) == pytest.approx(whole, rel=0.01)


def test_a_finger_moves_it(browser: Browser, page: Path) -> None:
    shown(browser, page)
    for kind, share in (("touchStart", 0.5), ("touchMove", 0.6), ("touchMove", 0.75)):
        browser.touch(kind, (share * WIDTH, HEIGHT / 2))
    browser.wait(f"{PHOTO}.dataset.at === '0.500 0.000'")
    browser.touch("touchEnd")


def test_keys_move_it(browser: Browser, page: Path) -> None:
    shown(browser, page)
    browser.value(f"{PHOTO}.focus()")
    browser.key("ArrowRight")
    browser.key("ArrowUp")
    browser.wait(f"{PHOTO}.dataset.at === '0.250 -0.250'")
    browser.key("Escape")
    browser.wait(f"{PHOTO}.dataset.at === '0.000 0.000'")


def test_it_follows_the_tilt(browser: Browser, page: Path) -> None:
    shown(browser, page)

    def tilt(gamma: float) -> None:
        browser.value(
            "dispatchEvent(new DeviceOrientationEvent('deviceorientation',"
            f" {{alpha: 0, beta: 40, gamma: {gamma}}}))"
        )

    tilt(0)
    tilt(10)
    browser.wait(f"Math.abs(parseFloat({PHOTO}.dataset.at) - 0.5) < 0.02")


def stirs(browser: Browser) -> bool:
    first = browser.photograph().astype(int)
    time.sleep(0.7)
    return bool(np.abs(browser.photograph() - first).mean() > 0.5)


def test_it_sways_by_itself(browser: Browser, page: Path) -> None:
    shown(browser, page, "")
    assert stirs(browser)


def test_who_wants_less_motion_gets_none(browser: Browser, page: Path) -> None:
    reduce = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.ask("Emulation.setEmulatedMedia", features=reduce)
    try:
        shown(browser, page, "")
        browser.mouse(300, 20)
        assert not stirs(browser)
        assert at_rest(browser) == (0, 0)
    finally:
        browser.ask("Emulation.setEmulatedMedia", features=[])


def test_it_comes_back_after_the_graphics_card_was_lost(browser: Browser, page: Path) -> None:
    shown(browser, page)
    before = moved(browser, 0.5, 0.5)
    browser.value(
        "lose = document.querySelector('canvas').getContext('webgl2')"
        ".getExtension('WEBGL_lose_context'); lose.loseContext()"
    )
    browser.wait(f"{PHOTO}.dataset.state === 'lost'")
    time.sleep(0.1)  # it may be restored only after the event has been heard
    browser.value("lose.restoreContext()")
    browser.wait(f"{PHOTO}.dataset.state === 'moving' && {PHOTO}.dataset.at")
    time.sleep(0.1)
    np.testing.assert_array_equal(browser.photograph(), before)


def test_it_fills_a_larger_window(browser: Browser, page: Path) -> None:
    size = {"width": WIDTH, "height": HEIGHT, "mobile": False}
    browser.ask("Emulation.setDeviceMetricsOverride", **size, deviceScaleFactor=2)
    try:
        shown(browser, page)
        browser.wait("document.querySelector('canvas').width === 640")
        assert browser.photograph().shape == (2 * HEIGHT, 2 * WIDTH, 3)
    finally:
        browser.ask("Emulation.setDeviceMetricsOverride", **size, deviceScaleFactor=1)


def test_two_stand_in_one_page(browser: Browser, tmp_path: Path) -> None:
    element = html_element(disc_before_wall(), stage(), title="One of two", sway=False)
    path = tmp_path / "two.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8><h1>Two</h1>{element}<p>and{element}")
    browser.open(path)
    browser.wait("document.querySelectorAll('[data-state=moving]').length === 2")


def test_a_damaged_file_says_so_and_shows_the_photo(browser: Browser, tmp_path: Path) -> None:
    element = html_element(disc_before_wall(), stage(), title="Damaged")
    before, webp, after = element.partition("data:image/webp;base64,")
    path = tmp_path / "damaged.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{before}{webp}AAAA{after}")
    browser.open(path)
    browser.wait(f"{PHOTO}?.dataset.state === 'failed'")
    assert "could not be read" in browser.value("document.querySelector('.message').textContent")
    assert browser.value("document.querySelector('.poster').naturalWidth") == WIDTH


def test_without_scripts_it_is_a_photo(browser: Browser, page: Path) -> None:
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page)
        time.sleep(0.5)
        assert np.abs(browser.photograph() - photo()).mean() < 3
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)


def test_without_webgl_it_is_a_photo(page: Path, tmp_path: Path) -> None:
    browser = Browser(tmp_path, width=WIDTH, height=HEIGHT, flags=("--disable-3d-apis",))
    try:
        browser.open(page)
        browser.wait(f"{PHOTO}?.dataset.state === 'still'")
        assert np.abs(browser.photograph() - photo()).mean() < 3
    finally:
        browser.close()
