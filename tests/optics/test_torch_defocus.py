"""The renderer in torch: the same picture as the processor's, and the same laws."""

import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from depthfx.errors import ModelError, ShapeError
from depthfx.evaluation.oracle_scenes import EXAMPLES
from depthfx.optics.aperture import ROUND, Aperture
from depthfx.optics.defocus import defocus
from depthfx.optics.edges import BACK, BACK_RADIUS, FRONT, FRONT_RADIUS, SHARE, Blurred, Mixed
from depthfx.optics.opening_picture import opening_picture
from depthfx.optics.torch_defocus import defocused, drawn
from depthfx.optics.torch_surfaces import Mixed as TorchMixed
from depthfx.optics.torch_surfaces import Scene

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
FEW_BYTES = 1 << 25
HEIGHT = 128


def on_device(a):
    return None if a is None else torch.tensor(a, device=DEVICE)


def in_torch(pixels, inverse, working_bytes=FEW_BYTES, **options):
    """`defocused` from and to numpy."""
    for name in ("behind", "coverage"):
        options[name] = on_device(options.get(name))
    planes = on_device(np.moveaxis(pixels, -1, 0))
    out = defocused(planes, on_device(inverse), working_bytes=working_bytes, **options)
    return np.moveaxis(out.cpu().numpy(), 0, -1)


def with_radius(pixels, radius, **options):
    return in_torch(pixels, radius, focus_inverse=0.0, blur_px=2.0, **options)


def coded(pixels):
    """sRGB signal."""
    light = np.clip(pixels, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def assert_alike(ours, theirs, least_db, mean, most):
    """PSNR, mean difference and its 99.9th percentile, of the sRGB signal."""
    apart = np.abs(coded(ours) - coded(theirs))
    assert -10 * np.log10(np.mean(apart**2) + 1e-20) >= least_db
    assert apart.mean() <= mean
    assert np.quantile(apart, 0.999) <= most


@cache
def example(name, lens, blur):
    """Sharp picture, what is seen, and a lens that blurs `blur` times as much as its own."""
    chosen = EXAMPLES[name](HEIGHT * 3 // 2, HEIGHT)
    sharp, seen = chosen.scene.sharp(64), chosen.scene.seen(64)
    lens = chosen.lenses[lens]
    optics = {"focus_inverse": lens.focus_inverse, "blur_px": lens.blur * HEIGHT * blur}
    return sharp, seen, optics


# ---------------------------------------------------------------- the same picture
@pytest.mark.parametrize("name", list(EXAMPLES))
@pytest.mark.parametrize("lens", [0, 1])
def test_it_draws_what_the_processor_draws(name, lens):
    """Apart from the runs that stand for large kernels there, in one group of layers."""
    sharp, seen, optics = example(name, lens, 1)
    ours, theirs = in_torch(sharp, seen.inverse, **optics), defocus(sharp, seen.inverse, **optics)
    assert_alike(ours, theirs, 55, mean=5e-4, most=0.015)


@pytest.mark.parametrize(("name", "lens"), [("ground", 2), ("leaves", 0), ("portrait", 0)])
def test_it_does_at_large_radii(name, lens):
    """Up to 40 px: layers at half and quarter size. Of what is hidden behind the most blurred
    the processor looks at one cell of four."""
    sharp, seen, optics = example(name, lens, 6)
    ours, theirs = in_torch(sharp, seen.inverse, **optics), defocus(sharp, seen.inverse, **optics)
    assert_alike(ours, theirs, 50, mean=1e-3, most=0.04)


@pytest.mark.parametrize("name", ["portrait", "leaves"])
def test_it_does_with_known_shares(name):
    sharp, seen, optics = example(name, 0, 2)
    known = {"behind": seen.behind, "coverage": seen.coverage}
    ours = in_torch(sharp, seen.front, **known, **optics)
    assert_alike(ours, defocus(sharp, seen.front, **known, **optics), 50, mean=1e-3, most=0.02)


def coloured_opening():
    light = np.zeros((32, 32, 3), np.float32)
    light[4:28, 4:20, 0], light[8:24, 4:28, 1], light[4:28, 12:28, 2] = 1, 1, 1
    return Aperture(image=opening_picture(light))


@pytest.mark.parametrize(
    "opening",
    [
        Aperture(5, rotation_deg=17),
        Aperture(squeeze=2.0, spherical=-0.6),
        Aperture(cats_eye=0.8, swirl=0.3),
        coloured_opening(),
    ],
    ids=["blades", "soap bubbles", "cat's eyes", "coloured picture"],
)
def test_it_does_with_openings_of_any_shape(opening):
    sharp, seen, optics = example("ground", 2, 3)
    ours = in_torch(sharp, seen.inverse, aperture=opening, **optics)
    theirs = defocus(sharp, seen.inverse, aperture=opening, **optics)
    assert_alike(ours, theirs, 50, mean=1e-3, most=0.04)


def test_mixed_pixels_are_taken_apart_alike():
    sharp, seen, optics = example("portrait", 1, 4)
    factor = optics["blur_px"] / 2
    picture = Blurred(
        sharp,
        seen.front,
        np.float32(optics["focus_inverse"]),
        np.float32(factor),
        seen.behind,
        seen.coverage,
    )
    radius, behind = picture.radius(seen.front), picture.radius(seen.behind)
    planes = (np.moveaxis(sharp, -1, 0), radius, behind, seen.coverage)
    ours, theirs = TorchMixed.of(Scene(*map(on_device, planes))), Mixed.of_rows(picture, 0, HEIGHT)
    np.testing.assert_array_equal(ours.index.cpu().numpy() >= 0, theirs.mask)
    for got, column in (
        (ours.front.T, FRONT),
        (ours.back.T, BACK),
        (ours.share, SHARE),
        (ours.near, FRONT_RADIUS),
        (ours.far, BACK_RADIUS),
    ):
        np.testing.assert_allclose(got.cpu(), theirs.surfaces[:, column], atol=1e-3)


def test_a_picture_in_arrays_is_drawn_as_one_in_tensors():
    sharp, seen, optics = example("leaves", 1, 2)
    picture = Blurred(
        sharp,
        seen.inverse,
        np.float32(optics["focus_inverse"]),
        np.float32(optics["blur_px"] / 2),
    )
    got = drawn(picture, ROUND, torch.device(DEVICE), FEW_BYTES)
    np.testing.assert_allclose(got, in_torch(sharp, seen.inverse, **optics), atol=1e-4)
    assert got.flags.c_contiguous


def test_the_result_does_not_depend_on_how_much_is_worked_on_together():
    sharp, seen, optics = example("ground", 1, 4)
    few = in_torch(sharp, seen.inverse, working_bytes=1, **optics)
    many = in_torch(sharp, seen.inverse, working_bytes=1 << 28, **optics)
    np.testing.assert_allclose(few, many, atol=1e-6)


# ---------------------------------------------------------------- the laws
def test_no_blur_is_the_identity(rng):
    pixels, inverse = rng.random((20, 30, 3), np.float32), rng.random((20, 30), np.float32)
    np.testing.assert_array_equal(in_torch(pixels, inverse, focus_inverse=0.3, blur_px=0.0), pixels)


def test_a_plane_in_focus_is_untouched(rng):
    """Even with blurred things in the picture, bit for bit where their blur ends."""
    pixels = rng.random((60, 90, 3), np.float32)
    radius = np.zeros((60, 90), np.float32)
    radius[:, 60:] = 6
    got = with_radius(pixels, radius)
    np.testing.assert_array_equal(got[:, :52], pixels[:, :52])
    assert np.abs(got[:, 70:] - pixels[:, 70:]).max() > 0.1


@settings(deadline=None, max_examples=8)
@given(
    arrays(np.float32, (24, 31), elements=st.floats(-9, 14, width=32)),
    st.floats(0.0625, 20, width=32),
)
def test_a_constant_picture_stays_constant(radius, value):
    pixels = np.full((24, 31, 3), value, np.float32)
    np.testing.assert_allclose(with_radius(pixels, radius), pixels, rtol=1e-4)


@pytest.mark.parametrize("radius", [-30.0, -9.2, -0.4, 2.3, 14.1])
def test_a_point_becomes_the_predicted_disc(radius):
    """Radius from the second moment, <r^2> = R^2 / 2; energy within 0.5 %."""
    pixels = np.zeros((81, 91, 3), np.float32)
    pixels[40, 45] = 50
    got = with_radius(pixels, np.full((81, 91), radius, np.float32))[..., 0].astype(float)
    assert got.min() >= 0
    assert got.sum() == pytest.approx(50, rel=5e-3)
    y, x = np.mgrid[-40:41, -45:46]
    width = np.sqrt(2 * (got * (x * x + y * y)).sum() / got.sum())
    assert width == pytest.approx(abs(radius), abs=0.2)


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (131, 5)])
def test_pictures_narrower_than_a_blur_are_drawn(shape, rng):
    pixels = rng.random((*shape, 3), np.float32)
    radius = np.float32(rng.normal(0, 4, shape))
    got = with_radius(pixels, radius)
    assert np.isfinite(got).all()
    assert got.min() >= 0
    assert got.max() <= 1.05


# ---------------------------------------------------------------- what is wrong is said
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"inverse": torch.zeros(4, 6)}, r"inverse is \(4, 6\), but should be \(5, 6\)"),
        ({"behind": torch.zeros(5, 7)}, r"behind is \(5, 7\), but should be \(5, 6\)"),
        ({"inverse": torch.full((5, 6), torch.nan)}, "inverse depth must be finite"),
        ({"pixels": torch.zeros(5, 6, 3)}, r"pixels must be \(3, H, W\) float32, got \(5, 6, 3\)"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(options, words):
    given = {"pixels": torch.zeros(3, 5, 6), "inverse": torch.zeros(5, 6), **options}
    with pytest.raises(ShapeError, match=words):
        defocused(given.pop("pixels"), given.pop("inverse"), focus_inverse=0, blur_px=1, **given)


def test_the_renderer_of_the_processor_imports_no_torch():
    code = "import sys, depthfx.optics.defocus; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_front_door_hands_over_to_a_device_that_is_there_or_says_so(rng):
    pixels = rng.random((40, 60, 3), np.float32)
    inverse = np.linspace(0, 1, 60, dtype=np.float32) * np.ones((40, 1), np.float32)
    for device in ("cuda", "mps"):
        there = torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()
        if there:
            got = defocus(pixels, inverse, focus_inverse=0.5, blur_px=12, device=device)
            expected = defocus(pixels, inverse, focus_inverse=0.5, blur_px=12)
            assert np.abs(got - expected).max() < 0.05
        else:
            with pytest.raises(ModelError, match=f"no {device} device"):
                defocus(pixels, inverse, focus_inverse=0.5, blur_px=12, device=device)
