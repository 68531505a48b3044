"""People and animals: proportions, footing, joints, framing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.training.scenes.animals import SPECIES
from depthfx.training.scenes.figures import animal, group, person, portrait
from depthfx.training.scenes.forms import holds
from depthfx.training.scenes.limbs import angles, bounds, lowest_m, moved
from depthfx.training.scenes.people import draw_body
from depthfx.training.scenes.poses import POSES
from depthfx.training.scenes.world import Kind, Shape, axes_of, rotation

turns = st.tuples(*[st.floats(-1.5, 1.5)] * 3)


def surface_points(shape: Shape) -> np.ndarray:
    """(n, 3) points on a shape, its ends and middle among them."""
    if shape.kind == Kind.CONE:
        share = np.linspace(0, 1, 7)[:, None]
        return np.array(shape.start) * (1 - share) + np.array(shape.end) * share
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 5)] * 3), -1).reshape(-1, 3)
    if shape.kind == Kind.ELLIPSOID:
        grid = grid / np.maximum(np.linalg.norm(grid, axis=1, keepdims=True), 1)
    return grid * shape.half @ rotation(*shape.turn_rad).T + shape.centre


def pieces(shapes: list[Shape], gap_m: float) -> int:
    """Number of groups that the shapes fall into when those within about `gap_m` are joined."""
    boxes, label = bounds(shapes), np.arange(len(shapes))
    points = [surface_points(shape) for shape in shapes]
    for i, shape in enumerate(shapes):
        near = (boxes[:, :3] < boxes[i, 3:] + gap_m) & (boxes[i, :3] < boxes[:, 3:] + gap_m)
        for j in np.flatnonzero(near.all(1)):
            if label[i] != label[j] and any(holds(shape, tuple(p), gap_m) for p in points[j]):
                label[label == label[j]] = label[i]
    return len(set(label))


@given(turns)
def test_angles_undo_rotation(turn: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(angles(rotation(*turn)), turn, atol=1e-9)


@given(turns, st.floats(0.2, 3))
@settings(max_examples=10, deadline=None)
def test_moving_keeps_the_form(turn: tuple[float, float, float], scale: float) -> None:
    """Distances between the parts all grow by the scale."""
    shapes = person(np.random.default_rng(1), (0, 0, 0), 0.0)[:40]
    placed = moved(shapes, (1.0, 2.0, 3.0), turn, scale)

    def middles(them: list[Shape]) -> np.ndarray:
        return np.array([s.start if s.kind == Kind.CONE else s.centre for s in them])

    before, after = middles(shapes), middles(placed)
    np.testing.assert_allclose(
        np.linalg.norm(after - after[0], axis=1),
        scale * np.linalg.norm(before - before[0], axis=1),
        atol=1e-9,
    )


def test_a_turned_ellipsoid_reaches_as_far_as_its_points() -> None:
    shape = Shape(Kind.ELLIPSOID, (0.3, 0.1, 0.2), (1, 2, 3), (0.4, -0.7, 1.1))
    way = np.random.default_rng(0).normal(size=(200_000, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    points = way * shape.half @ rotation(*shape.turn_rad).T + shape.centre
    box = bounds([shape])[0]
    np.testing.assert_allclose(points.min(0), box[:3], atol=2e-3)
    np.testing.assert_allclose(points.max(0), box[3:], atol=2e-3)


def test_adults_are_seven_and_a_half_heads_and_children_fewer() -> None:
    rng = np.random.default_rng(0)
    assert 1.75 / draw_body(rng, 1.75).head_m == pytest.approx(7.5, abs=0.3)
    assert 1.0 / draw_body(rng, 1.0).head_m == pytest.approx(5.0, abs=0.3)


@pytest.mark.parametrize("seed", range(6))
def test_a_standing_person_is_as_tall_as_the_stature(seed: int) -> None:
    shapes = person(np.random.default_rng(seed), (0, 0, 0), 0.0, pose="standing", stature_m=1.75)
    skin = max(shapes, key=lambda s: s.kind == Kind.ELLIPSOID and s.centre[1] < -1.5).surface
    top = -min(box[1] for box, s in zip(bounds(shapes), shapes, strict=True) if s.surface == skin)
    assert 1.6 < top < 1.85
    assert -bounds(shapes)[:, 1].min() < 2.1


@pytest.mark.parametrize("pose", POSES)
def test_a_person_touches_the_ground_and_is_of_one_piece(pose: str) -> None:
    for seed in range(2):
        shapes = person(np.random.default_rng(seed), (2.0, 0.0, 5.0), 1.0, pose=pose, seat=False)
        body = [s for s in shapes if s.subject]
        assert 40 <= len(body) <= 450
        assert lowest_m(body) > -1e-6
        lowest = bounds(body)[:, 4]
        assert (np.abs(lowest) < 1e-6).any()
        assert pieces(body, 0.02) == 1


@pytest.mark.parametrize("kind", [*SPECIES, "bird"])
def test_an_animal_stands_on_the_ground_at_its_size(kind: str) -> None:
    for seed in range(2):
        shapes = animal(np.random.default_rng(seed), (0, 0, 0), 0.3, kind)
        assert lowest_m(shapes) == pytest.approx(0, abs=1e-9)
        least, most = SPECIES[kind].height_m if kind != "bird" else (0.1, 0.5)
        assert 0.4 * least < -bounds(shapes)[:, 1].min() < 2.2 * most
        assert pieces(shapes, 0.03 * most) == 1


def test_facing_and_scale() -> None:
    """Arms stretched ahead point to where the person faces; twice the scale is twice the size."""

    def box(facing: float, scale: float) -> np.ndarray:
        rng = np.random.default_rng(5)
        all_ = bounds(person(rng, (0, 0, 0), facing, scale, pose="reaching"))
        return np.concatenate([all_[:, :3].min(0), all_[:, 3:].max(0)])

    ahead, right = box(0.0, 1.0), box(np.pi / 2, 1.0)
    assert ahead[5] > 0.4
    assert ahead[5] > -ahead[2]
    assert right[3] == pytest.approx(ahead[5], abs=0.05)
    np.testing.assert_allclose(box(0.0, 2.0), 2 * ahead, atol=1e-9)


def test_the_seed_decides_everything() -> None:
    def draw() -> list[Shape]:
        rng = np.random.default_rng(9)
        return person(rng, (0, 0, 3), 3.0) + animal(rng, (1, 0, 3), 3.0) + portrait(rng).shapes

    assert draw() == draw()


def test_a_seat_is_no_subject_and_carries_the_sitter() -> None:
    shapes = person(np.random.default_rng(3), (0, 0, 0), 0.0, pose="sitting", stature_m=1.75)
    seat = [s for s in shapes if not s.subject]
    top = -bounds(seat)[:, 1].min()
    assert 0.3 < top < 0.5
    assert abs(lowest_m(seat)) < 1e-6


def test_groups_stand_apart() -> None:
    shapes = group(np.random.default_rng(0), (0, 0, 4), np.pi, 3)
    width = np.ptp(bounds(shapes)[:, [0, 3]])
    assert 1.2 < width < 4


@pytest.mark.parametrize("seed", range(12))
def test_a_portrait_has_its_figure_in_the_picture(seed: int) -> None:
    framed = portrait(np.random.default_rng(seed), (1.0, 0.0, 2.0), 0.7, 6.0)
    camera = framed.camera
    turn = axes_of(camera)
    subject = [s for s in framed.shapes if s.subject]
    points = np.concatenate([bounds(subject)[:, :3], bounds(subject)[:, 3:]])
    own = (points - np.array(camera.eye)) @ turn
    u = own[:, 0] / own[:, 2] * camera.focal_share
    v = own[:, 1] / own[:, 2] * camera.focal_share * camera.aspect
    inside = (own[:, 2] > 0) & (np.abs(u) < 0.5) & (np.abs(v) < 0.5)
    assert inside.mean() > 0.2
    assert camera.eye[1] < -0.1
    assert 0.4 < framed.distance_m < 8


def test_albedos_are_physical() -> None:
    for seed in range(20):
        for shape in person(np.random.default_rng(seed), (0, 0, 0), 0.0):
            assert all(0 <= c <= 1 for c in (*shape.surface.colour, *shape.surface.other))
