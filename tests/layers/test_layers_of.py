"""A photo as layers: at rest the photo, moved nothing missing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Depth
from depthfx.geometry.presets import move_named
from depthfx.geometry.stage import Stage
from depthfx.layers.cut import layers_of
from depthfx.layers.layers import Blend, Layers
from depthfx.layers.over import composite
from depthfx.photo.encode import stored_form
from depthfx.photo.photo import Metadata, Photo
from depthfx.photo.profiles import named_profile

H, W = 90, 130
REACH = 9
Plane = NDArray[np.float32]


def textured(seed: int, brightest: float = 1.0) -> NDArray[np.float32]:
    """Noise of several sizes, from black to `brightest`."""
    rng = np.random.default_rng(seed)
    out = np.zeros((H, W, 3), np.float32)
    for size in (4, 16, 90):
        small = rng.random((size, size, 3), dtype=np.float32)
        out += cv2.resize(small, (W, H), interpolation=cv2.INTER_LINEAR)
    out -= out.min()
    return out * np.float32(brightest / out.max())


def soft_disc() -> Plane:
    """A matte with an edge some pixels wide, that touches the frame at the bottom."""
    y, x = np.mgrid[:H, :W]
    return np.clip((34 - np.hypot(y - 65, x - 60)) / 4 + 0.5, 0, 1).astype(np.float32)


def scene(
    metadata: Metadata | None = None, alpha: Plane | None = None, brightest: float = 1.0
) -> tuple[Photo, Depth, Camera, Plane]:
    """A soft disc in front of a box in front of a wall."""
    matte = soft_disc()
    front, back = textured(1, brightest), textured(2, brightest)
    pixels = matte[..., None] * front + (1 - matte[..., None]) * back
    if metadata is not None and metadata.grey:
        pixels = np.repeat(pixels[..., :1], 3, axis=2)
    inverse = np.full((H, W), 0.2, np.float32)
    inverse[30:70, 80:120] = 0.5
    inverse[matte > 0.5] = 1.0
    camera = Camera(W, H, 120.0)
    photo = Photo(pixels.astype(np.float32), camera, alpha, metadata or Metadata())
    return photo, Depth(inverse, True, "made"), camera, matte


def ramp_of_opacity() -> Plane:
    """Transparent at the left, then rising in all steps of 8 bit, also through the disc."""
    steps = np.clip(np.arange(W) * 3 - 60, 0, 255)
    return np.repeat((steps / 255).astype(np.float32)[None], H, axis=0)


def assert_is_the_photo(layers: Layers, photo: Photo) -> None:
    wanted = stored_form(photo, 8, profile=layers.icc or named_profile("srgb"), grey=False).codes
    for bits in (8, 16):
        values, cover = composite(layers, bits)
        codes = np.floor(np.clip(values, 0, 1) * 255 + 0.5)
        shown = cover > 0.5 / 255
        assert np.abs(codes - wanted.astype(float))[shown].max() <= 1
        opacity = np.ones((H, W)) if photo.alpha is None else photo.alpha
        assert np.abs(np.floor(cover * 255 + 0.5) - np.floor(opacity * 255 + 0.5)).max() <= 1


KINDS = {
    "srgb": Metadata(),
    "16 bit": Metadata(bit_depth=16),
    "grey": Metadata(grey=True),
    "display-p3": Metadata(icc=named_profile("display-p3")),
    "adobe-rgb": Metadata(icc=named_profile("adobe-rgb")),
    "prophoto": Metadata(icc=named_profile("prophoto"), bit_depth=16),
}


@pytest.mark.parametrize("kind", KINDS)
def test_at_rest_they_are_the_photo(kind: str) -> None:
    photo, depth, camera, matte = scene(KINDS[kind])
    layers = layers_of(photo, depth, camera, matte, reach_px=REACH)
    assert len(layers.layers) == 3
    assert layers.icc == KINDS[kind].icc
    assert_is_the_photo(layers, photo)


def test_at_rest_a_cut_out_is_the_photo() -> None:
    photo, depth, camera, matte = scene(alpha=ramp_of_opacity())
    layers = layers_of(photo, depth, camera, matte, reach_px=REACH)
    assert len(layers.layers) == 3
    assert_is_the_photo(layers, photo)


def test_colours_that_a_profile_does_not_hold_are_clipped_to_it_as_in_a_file() -> None:
    photo, depth, camera, matte = scene(brightest=3.0)
    assert_is_the_photo(layers_of(photo, depth, camera, matte, reach_px=REACH), photo)


def test_linear_light_above_white_is_kept() -> None:
    photo, depth, camera, matte = scene(brightest=8.0)
    layers = layers_of(photo, depth, camera, matte, reach_px=REACH, blend="linear")
    values, cover = composite(layers)
    np.testing.assert_allclose(values, photo.pixels, atol=2e-5, rtol=1e-4)
    assert cover.min() == 1
    assert all(layer.pixels.min() >= 0 for layer in layers.layers)


@pytest.mark.parametrize("blend", ["encoded", "linear"])
def test_alpha_is_in_steps_of_8_bit(blend: Blend) -> None:
    photo, depth, camera, matte = scene()
    for layer in layers_of(photo, depth, camera, matte, reach_px=REACH, blend=blend).layers:
        steps = layer.alpha * 255
        np.testing.assert_allclose(steps, np.round(steps), atol=1e-4)


def test_edges_are_as_soft_as_the_matte() -> None:
    photo, depth, camera, matte = scene()
    nearest = layers_of(photo, depth, camera, matte, reach_px=REACH).layers[-1]
    far = 4 * REACH
    alpha = np.zeros((H + 2 * far, W + 2 * far), np.float32)
    rows, columns = nearest.alpha.shape
    top, left = nearest.top + far, nearest.left + far
    alpha[top : top + rows, left : left + columns] = nearest.alpha
    inside = alpha[far:-far, far:-far]
    # Beside the box the cut draws its own edge; there is no subject alone.
    left_half = np.s_[:, :60]
    assert np.abs(inside - matte)[left_half].mean() < 0.02


def test_nothing_is_missing_within_reach() -> None:
    """Layers shifted against each other by as much as they may leave no hole in the frame."""
    photo, depth, camera, matte = scene()
    layers = layers_of(photo, depth, camera, matte, reach_px=REACH)
    for step in ((0, REACH), (0, -REACH), (REACH, 0), (-REACH, 0)):
        cover = np.zeros((H, W))
        for number, layer in enumerate(layers.layers):
            share = number / (len(layers.layers) - 1) - 0.5
            top, left = (
                round(place + share * s)
                for place, s in zip((layer.top, layer.left), step, strict=True)
            )
            canvas = np.zeros((3 * H, 3 * W))
            rows, columns = layer.alpha.shape
            canvas[H + top : H + top + rows, W + left : W + left + columns] = layer.alpha
            alpha = canvas[H : 2 * H, W : 2 * W]
            cover = alpha + (1 - alpha) * cover
        assert cover.min() == 1


def test_what_was_hidden_is_painted_with_what_is_behind() -> None:
    """A red disc before a blue wall: no red stays on the wall, no blue on the disc."""
    matte = soft_disc()
    red, blue = np.array([0.6, 0.05, 0.05]), np.array([0.05, 0.05, 0.6])
    pixels = (matte[..., None] * red + (1 - matte[..., None]) * blue).astype(np.float32)
    inverse = np.where(matte > 0.5, 1.0, 0.2).astype(np.float32)
    camera = Camera(W, H, 120.0)
    layers = layers_of(
        Photo(pixels, camera),
        Depth(inverse, True, "made"),
        camera,
        matte,
        reach_px=REACH,
        blend="linear",
    ).layers
    assert len(layers) == 2
    for layer, colour in zip(layers, (blue, red), strict=True):
        there = layer.pixels[layer.alpha > 0.2]
        off = np.abs(there - colour).max(axis=1)
        assert np.percentile(off, 99) < 0.03
        assert off.max() < 0.1
    assert np.abs(layers[0].inverse - 0.2).max() < 0.01


def test_colours_go_on_beyond_the_edge() -> None:
    photo, depth, camera, matte = scene()
    for layer in layers_of(photo, depth, camera, matte, reach_px=REACH).layers[1:]:
        there = (layer.alpha > 0).astype(np.uint8)
        ring = cv2.dilate(there, np.ones((5, 5), np.uint8)) > there
        assert (layer.pixels[ring].max(axis=1) > 0).all()


def test_cards_stand_one_behind_the_other_and_none_infinitely_far() -> None:
    photo, depth, camera, matte = scene()
    inverse = np.where(depth.inverse == np.float32(0.2), np.float32(0), depth.inverse)
    layers = layers_of(photo, Depth(inverse, True, "made"), camera, matte, reach_px=REACH).layers
    cards = [layer.card_inverse for layer in layers]
    assert cards[0] > 0
    assert cards == sorted(cards)
    assert len(set(cards)) == len(cards)


def test_more_layers_than_there_are_is_said() -> None:
    photo, depth, camera, matte = scene()
    layers = layers_of(photo, depth, camera, matte, count=8, reach_px=REACH)
    assert len(layers.layers) == 3
    assert layers.notes == ("3 layers: depth breaks into no more",)
    assert_is_the_photo(layers, photo)


@pytest.mark.parametrize("inverse", [0.0, 0.3])
def test_a_photo_without_breaks_is_one_layer(inverse: float) -> None:
    photo, _, camera, _ = scene()
    flat = Depth(np.full((H, W), inverse, np.float32), True, "made")
    layers = layers_of(photo, flat, camera, reach_px=REACH)
    assert len(layers.layers) == 1
    assert layers.notes == ("depth breaks nowhere: one layer",)
    assert_is_the_photo(layers, photo)


def test_one_layer_if_one_is_asked_for() -> None:
    photo, depth, camera, matte = scene()
    layers = layers_of(photo, depth, camera, matte, count=1, reach_px=REACH)
    assert len(layers.layers) == 1
    assert not layers.notes


@pytest.mark.parametrize("shape", [(1, 1), (40, 1), (1, 40), (2, 3)])
def test_odd_sizes(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    pixels = rng.random((*shape, 3), dtype=np.float32)
    inverse = np.where(rng.random(shape) > 0.5, 1.0, 0.1).astype(np.float32)
    camera = Camera(shape[1], shape[0], 50.0)
    layers = layers_of(Photo(pixels, camera), Depth(inverse, True, "made"), camera, reach_px=3)
    values, cover = composite(layers, 8)
    wanted = stored_form(Photo(pixels, camera), 8).codes
    assert np.abs(np.floor(values * 255 + 0.5) - wanted.astype(float)).max() <= 1
    assert cover.min() == 1


def test_a_photo_that_is_all_hair() -> None:
    """A matte and a depth that are noise everywhere."""
    photo, _, camera, _ = scene()
    rng = np.random.default_rng(4)
    noise = rng.random((H, W), dtype=np.float32)
    layers = layers_of(photo, Depth(noise, False, "made"), camera, noise, reach_px=REACH)
    assert_is_the_photo(layers, photo)
    assert not layers.metric


def test_a_wholly_transparent_photo_is_one_empty_layer() -> None:
    photo, depth, camera, matte = scene(alpha=np.zeros((H, W), np.float32))
    layers = layers_of(photo, depth, camera, matte, reach_px=REACH)
    assert [layer.alpha.max() for layer in layers.layers] == [0]


def test_the_same_twice() -> None:
    photo, depth, camera, matte = scene()
    first, second = (layers_of(photo, depth, camera, matte, reach_px=REACH) for _ in range(2))
    for a, b in zip(first.layers, second.layers, strict=True):
        np.testing.assert_array_equal(a.pixels, b.pixels)
        np.testing.assert_array_equal(a.alpha, b.alpha)
        np.testing.assert_array_equal(a.inverse, b.inverse)


def test_nothing_given_is_changed_and_stopping_stops() -> None:
    photo, depth, camera, matte = scene()
    for array in (photo.pixels, depth.inverse, matte):
        array.flags.writeable = False
    heard: list[float] = []
    layers_of(photo, depth, camera, matte, reach_px=REACH, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        layers_of(photo, depth, camera, matte, reach_px=REACH, progress=stop)


@pytest.mark.slow
@pytest.mark.parametrize("count", [None, 4])
def test_a_real_photo(shared: Path, count: int | None) -> None:
    import depthfx

    scene = depthfx.open(shared / "photos/good/real/table_lensblur.jpg")
    layers = layers_of(
        scene.photo, scene.depth, scene.camera, scene.matte, count=count, reach_px=30
    )
    values, _ = composite(layers, 8)
    wanted = stored_form(scene.photo, 8).codes.astype(float)
    assert len(layers.layers) >= 2
    assert np.abs(np.floor(values * 255 + 0.5) - wanted).max() <= 1


def test_a_camera_that_goes_round_shows_no_end_of_the_background() -> None:
    """A wide lens and little depth: it turns far, and looks past the frame's side by more."""
    pixels = textured(3)
    inverse = np.full((H, W), 0.75, np.float32)
    inverse[30:70, 40:90] = 1.0
    camera = Camera(W, H, 70.0)
    subject = (inverse == 1).astype(np.float32)
    stage = Stage.of(inverse, camera, REACH / camera.diagonal_px, subject)
    depth = Depth(inverse, True, "made")
    far = layers_of(Photo(pixels, camera), depth, camera, reach_px=REACH).layers[0]
    height, width = far.alpha.shape
    for share in (0.0, 0.5, 1.0):
        matrix = move_named("orbit", stage, loop=False).at(share).pose.matrix(camera)
        on_card = np.column_stack([matrix[:, :2], matrix[:, 2] + matrix[:, 3] * far.card_inverse])
        corners = np.array([(x, y, 1) for x in (0, W) for y in (0, H)])
        seen = corners @ np.linalg.inv(on_card).T
        x, y = seen[:, 0] / seen[:, 2], seen[:, 1] / seen[:, 2]
        assert x.min() >= far.left
        assert y.min() >= far.top
        assert x.max() <= far.left + width
        assert y.max() <= far.top + height


def test_paint_is_taken_from_beyond_the_outline_and_meets_it() -> None:
    """A halo along the outline is nobody's texture; yet nothing lies between paint and source."""
    photo, depth, camera, matte = scene()
    asked: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]] = []

    def paint(
        pixels: NDArray[np.float32],
        hole: NDArray[np.bool_],
        source: NDArray[np.bool_],
        *,
        inverse: Plane,
    ) -> NDArray[np.float32]:
        asked.append((hole, source))
        return np.where(hole[..., None], np.float32(0.5), pixels)

    far = layers_of(photo, depth, camera, matte, reach_px=REACH, paint=paint).layers[0]
    hole, source = asked[-1]
    inside = np.s_[-far.top : H - far.top, -far.left : W - far.left]
    soft = (matte > 0).astype(np.uint8)
    assert not (source[inside] & (cv2.dilate(soft, np.ones((3, 3), np.uint8)) > 0)).any()
    beside = cv2.dilate(soft, np.ones((5, 5), np.uint8)) > 0
    beside &= depth.surface < 0.3  # of the wall: where the box hides it is too deep for paint
    assert (hole | source)[inside][beside].all()
