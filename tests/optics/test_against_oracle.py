"""The renderer against the oracle: what a lens truly sees of textured planes."""

from functools import cache

import numpy as np
import pytest

from depthfx.evaluation import simple_ways
from depthfx.evaluation.likeness import near_depth_edges, psnr
from depthfx.evaluation.oracle import PlaneScene, Surface
from depthfx.evaluation.oracle_scenes import EXAMPLES
from depthfx.optics.aperture import ROUND, Aperture
from depthfx.optics.defocus import defocus

HEIGHT = 128
SIMPLE = (simple_ways.tutorial, simple_ways.picked, simple_ways.layered, simple_ways.gathered)


@cache
def looked_at(name, lens=0, aperture=ROUND, samples=256):
    """Sharp picture, what is seen, the lens's numbers, and the truth."""
    example = EXAMPLES[name](HEIGHT * 3 // 2, HEIGHT)
    chosen = example.lenses[lens]
    optics = {"focus_inverse": chosen.focus_inverse, "blur_px": chosen.blur * HEIGHT}
    truth = example.scene.defocused(**optics, samples=samples, aperture=aperture)
    return example.scene.sharp(samples), example.scene.seen(samples), optics, truth


@pytest.mark.parametrize(
    ("name", "lens", "least_db"),
    [
        ("portrait", 0, 34.5),
        ("portrait", 2, 35.0),
        ("ground", 0, 38.0),
        ("ground", 2, 38.5),
        ("leaves", 2, 32.5),
        ("two planes", 0, 41.0),
        ("two planes", 1, 40.0),
        ("ramp", 0, 41.0),
        ("text", 0, 32.5),
    ],
)
def test_it_is_near_the_lens_and_nearer_than_every_simple_way(name, lens, least_db):
    sharp, seen, optics, truth = looked_at(name, lens)
    ours = defocus(sharp, seen.inverse, **optics)
    assert psnr(ours, truth) >= least_db
    edges = near_depth_edges(seen.inverse)
    for way in SIMPLE:
        simple = way(sharp, seen.inverse, *optics.values())
        assert psnr(ours, truth) >= psnr(simple, truth) - 0.1
        if edges.any():
            assert psnr(ours, truth, edges) >= psnr(simple, truth, edges) - 0.1


def test_known_shares_of_mixed_pixels_bring_it_nearer():
    sharp, seen, optics, truth = looked_at("ground", 2)
    guessed = defocus(sharp, seen.inverse, **optics)
    known = defocus(sharp, seen.front, behind=seen.behind, coverage=seen.coverage, **optics)
    assert psnr(known, truth) >= psnr(guessed, truth) + 0.2


@pytest.mark.parametrize("inverse", [0.3, 0.9])
def test_the_opening_has_the_shape_and_the_way_up_of_the_lens(inverse):
    """A triangle on either side of the focus; upside down it would be a different picture."""
    fine = EXAMPLES["two planes"](HEIGHT * 3 // 2, HEIGHT).scene.surfaces[0]
    wall = Surface((inverse, 0.0, 0.0), fine.colour, fine.matte[:1, :1] * 0 + np.uint8(255))
    scene = PlaneScene(HEIGHT, HEIGHT, (wall,))
    aperture = Aperture(3, rotation_deg=15)
    truth = scene.defocused(0.6, 60.0, 512, aperture)
    sharp, flat = scene.sharp(), np.full((HEIGHT, HEIGHT), inverse, np.float32)
    inner = np.s_[12:-12, 12:-12]

    def likeness(opening):
        picture = defocus(sharp, flat, focus_inverse=0.6, blur_px=60.0, aperture=opening)
        return psnr(picture[inner], truth[inner])

    assert likeness(aperture) >= 44
    assert likeness(aperture) >= likeness(Aperture(3, rotation_deg=195)) + 5
    assert likeness(aperture) >= likeness(ROUND) + 3
