"""The contact sheet of a run, opened from the disk in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from browser import Browser, chromium
from depthfx import Scene
from depthfx.batch.deliver import REPORT
from depthfx.batch.job import Finding, Job, Result, Status, Written
from depthfx.batch.report import write_report
from depthfx.batch.sheet import Heading
from depthfx.batch.thumbs import small_pictures

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")

EVIL = 'party/<script>window.hacked=1</script><img src=x onerror=hacked=1> "q" #1 100%? 🎉.jpg'
NAMES = ["ceremony/a.jpg", "ceremony/b.jpg", "ceremony/c.jpg", EVIL]
CARDS = "[...document.querySelectorAll('.card:not([hidden])')]"
SHOWN = f"{CARDS}.map(card => card.querySelector('h3').textContent)"
IMAGES = "[...document.querySelectorAll('#grid img, .list img')]"


def photo(shade: float) -> Scene:
    pixels = np.full((60, 90, 3), shade, np.float32)
    pixels[20:40, 30:60] = (shade, 0.1, 0.1)
    inverse = np.full((60, 90), 0.2, np.float32)
    inverse[20:40, 30:60] = 1
    return Scene.from_arrays(pixels, inverse=inverse, focal_px=90.0)


def done(name: str, folder: Path, number: int, **more: object) -> Result:
    before = photo(0.1 + 0.1 * number)
    assert before.depth.metric
    after = before.with_pixels(before.photo.pixels / 2)
    pictures = small_pictures(before, after, folder, Job(name, "", "", "").slot)
    facts = {"width": 90, "height": 60, "halo_leak": number / 100, "halo_rim": 0.0}
    written = (Written(name, 1, ""),)
    return Result(
        name,
        f"/photos/{name}",
        Status.DONE,
        written,
        seconds={"read": 0.1, "depth": 1.0},
        facts=facts,
        pictures=pictures,
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out 100% #1") / REPORT
    leak = (Finding("halo", "<b onclick=hacked=1>leaks</b>", 0.02),)
    results = [done(name, folder, i, findings=leak * (i == 2)) for i, name in enumerate(NAMES)]
    results.append(
        Result("bad.jpg", "/in/bad.jpg", Status.FAILED, error="/in/bad.jpg: is no photo")
    )
    write_report(
        folder, results, Heading("Summer </title><script>hacked=1</script>", "a = 1", 5, 60.0)
    )
    return folder / "index.html"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"), width=1200, height=900)
    yield browser
    browser.close()


@pytest.fixture
def browser(running: Browser, page: Path) -> Iterator[Browser]:
    """The browser with the page, which must have nothing to complain of in the end."""
    running.problems.clear()
    running.open(page)
    running.wait("document.readyState === 'complete' && document.querySelector('.card') !== null")
    yield running
    assert running.problems == []
    assert running.value("window.hacked") is None


def press(browser: Browser, selector: str) -> None:
    browser.value(f"document.querySelector({selector!r}).click()")


def fill(browser: Browser, name: str, words: str, event: str) -> None:
    field = f"document.getElementById({name!r})"
    browser.value(f"{field}.value = {words!r}; {field}.dispatchEvent(new Event({event!r}))")


def shown(browser: Browser) -> list[str]:
    return list(browser.value(SHOWN))


def test_every_image_is_there_and_nothing_is_asked_of_others(browser: Browser, page: Path) -> None:
    # Those out of sight are loaded when they are scrolled to.
    browser.value(f"{IMAGES}.forEach(image => image.loading = 'eager')")
    browser.wait(f"{IMAGES}.length >= 5 && {IMAGES}.every(image => image.complete)")
    assert browser.value(f"{IMAGES}.every(image => image.naturalWidth > 0)")
    below = page.parent.as_uri()
    assert all(address.startswith(below) for address in browser.requests)


def test_names_and_words_are_text(browser: Browser) -> None:
    assert EVIL in shown(browser)
    assert "<b onclick" in browser.value("document.querySelector('.hand-list').textContent")
    assert browser.value("document.title").startswith("Summer </title><script>")


def test_links_of_odd_names_lead_to_the_result(browser: Browser, page: Path) -> None:
    links = browser.value("[...document.querySelectorAll('.card .links a')].map(a => a.href)")
    assert (page.parents[1] / EVIL).as_uri() in [link.replace("~", "%7E") for link in links]


def test_failed_photos_are_listed_with_their_line(browser: Browser) -> None:
    said = browser.value("document.querySelector('.failures-list').textContent")
    assert "bad.jpg" in said
    assert "is no photo" in said


def test_filters_and_search(browser: Browser) -> None:
    assert len(shown(browser)) == 5
    press(browser, "[data-filter=hand]")
    assert shown(browser) == ["ceremony/c.jpg"]
    assert browser.value("document.querySelector('[data-filter=hand]').ariaPressed") == "true"
    press(browser, "[data-filter=failed]")
    assert shown(browser) == ["bad.jpg"]
    press(browser, "[data-filter=kept]")
    assert shown(browser) == []
    assert browser.value("!document.getElementById('none').hidden")
    press(browser, "[data-filter=all]")
    fill(browser, "search", "CEREMONY", "input")
    assert shown(browser) == NAMES[:3]


def test_worst_halo_first(browser: Browser) -> None:
    fill(browser, "order", "halo", "change")
    assert shown(browser) == [*NAMES[::-1], "bad.jpg"]


def test_a_link_to_a_photo_that_is_filtered_out_shows_it(browser: Browser) -> None:
    press(browser, "[data-filter=failed]")
    press(browser, ".hand-list a")
    browser.wait("document.querySelectorAll('.card:not([hidden])').length === 5")


def test_arrows_move_and_space_shows_before(browser: Browser) -> None:
    browser.value("document.querySelector('button.picture').focus()")
    browser.key("ArrowRight")
    focused = "document.activeElement.closest('.card').querySelector('h3').textContent"
    assert browser.value(focused) == NAMES[1]
    source = "document.activeElement.firstElementChild.getAttribute('src')"
    assert browser.value(source).endswith("-after.jpg")
    browser.ask("Input.dispatchKeyEvent", type="rawKeyDown", key=" ")
    assert browser.value(source).endswith("-before.jpg")
    browser.ask("Input.dispatchKeyEvent", type="keyUp", key=" ")
    assert browser.value(source).endswith("-after.jpg")


def test_large_before_against_after(browser: Browser) -> None:
    press(browser, "button.picture")
    assert browser.value("document.getElementById('large').open")
    both = "['under', 'over'].map(id => document.getElementById(id))"
    browser.wait(f"{both}.every(image => image.complete && image.naturalWidth > 0)")
    sources = browser.value(f"{both}.map(image => image.getAttribute('src').slice(-9))")
    assert sources == ["after.jpg", "efore.jpg"]
    # Left of the line is the brighter photo, right of it the result.
    box = "document.getElementById('pair').getBoundingClientRect()"
    left, top, width, height = (
        browser.value(f"{box}.{side}") for side in ("left", "top", "width", "height")
    )
    y = round(top + height / 2)
    row = browser.photograph()[y, :, 0].astype(int)
    assert row[round(left + width / 2 - 60)] > row[round(left + width / 2 + 60)] + 10
    browser.key("ArrowRight")
    assert browser.value("document.getElementById('large-name').textContent") == NAMES[1]
    press(browser, "[data-kind=depth]")
    assert browser.value("document.getElementById('under').getAttribute('src')").endswith(
        "depth.jpg"
    )
    browser.value("document.getElementById('large').close()")
    browser.wait("document.activeElement.closest('.card') !== null")


def test_nothing_is_cut_off_on_a_phone(browser: Browser) -> None:
    size = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.ask("Emulation.setDeviceMetricsOverride", **size)
    try:
        assert browser.value("document.documentElement.scrollWidth") <= 360
    finally:
        size = {"width": 1200, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.ask("Emulation.setDeviceMetricsOverride", **size)


CONTRAST = """
(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgb = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1)
    return canvas.getImageData(0, 0, 1, 1).data
  }
  const light = c => [.2126, .7152, .0722].reduce((sum, k, i) =>
    sum + k * (c[i] / 255 <= .04045 ? c[i] / 255 / 12.92 : ((c[i] / 255 + .055) / 1.055) ** 2.4), 0)
  const back = e => rgb(getComputedStyle(e).backgroundColor)
  const behind = e => e.parentElement && back(e)[3] < 255 ? behind(e.parentElement) : back(e)
  const low = []
  for (const e of document.querySelectorAll('header *, main *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
    if (!own || e.closest('.badge, [hidden]') || !e.getClientRects().length) continue
    const both = [light(rgb(getComputedStyle(e).color)), light(behind(e))]
    const [one, other] = both.sort((a, b) => b - a)
    const ratio = (one + .05) / (other + .05)
    if (ratio < 4.5) low.push([e.tagName, e.className, ratio])
  }
  return low
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_that_wcag_asks_for(browser: Browser, scheme: str) -> None:
    """WCAG 2.2, success criterion 1.4.3: 4.5 to 1."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.ask("Emulation.setEmulatedMedia", features=features)
    try:
        assert browser.value(CONTRAST) == []
    finally:
        browser.ask("Emulation.setEmulatedMedia", features=[])
