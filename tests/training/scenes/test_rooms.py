"""Indoor worlds: sizes as in houses, nothing in the way of the camera, the subject in view."""

from collections.abc import Callable

import numpy as np
import pytest

from depthfx.training.scenes import furniture, rooms
from depthfx.training.scenes.forms import Rng, holds
from depthfx.training.scenes.limbs import bounds
from depthfx.training.scenes.world import Kind, Shape, World

WORLDS = (rooms.room, rooms.corridor, rooms.portrait_indoors)
STANDING = (
    furniture.table, furniture.chair, furniture.office_chair, furniture.stool, furniture.sofa,
    furniture.bed, furniture.shelf, furniture.cupboard, furniture.kitchen_row, furniture.desk,
    furniture.television, furniture.toilet, furniture.bathtub, furniture.floor_lamp,
    furniture.plant, furniture.pile, furniture.bag, furniture.bicycle, furniture.trolley,
    furniture.hospital_bed, furniture.bench, furniture.lockers, furniture.counter,
    furniture.shop_rack, furniture.clothes_rail, furniture.school_desk, furniture.door,
    furniture.bin_, furniture.toys, rooms.dining,
)  # fmt: skip


@pytest.fixture(
    scope="module",
    params=[(w, s) for w in WORLDS for s in (1, 2)],
    ids=lambda world: f"{world[0].__name__}-{world[1]}",
)
def world(request: pytest.FixtureRequest) -> World:
    make, seed = request.param
    drawn: World = make(np.random.default_rng(seed))
    return drawn


@pytest.mark.parametrize("thing", STANDING)
def test_what_stands_stands_on_the_floor_before_its_wall(
    thing: Callable[[Rng], list[Shape]],
) -> None:
    for seed in range(3):
        box = rooms.bounds_of(thing(np.random.default_rng(seed)))
        assert box[4] == pytest.approx(0, abs=0.035)
        assert box[5] < 0.7 or thing is rooms.dining
        assert box[3] - box[0] < 5
        assert box[5] - box[2] < 4
        assert 0.05 < -box[1] < 2.5


def test_sizes_in_houses() -> None:
    rng = np.random.default_rng(0)
    assert furniture.table(rng)[0].centre[1] - 0.025 == pytest.approx(-0.74, abs=0.03)
    seat = furniture.chair(rng)[0]
    assert -seat.centre[1] + seat.half[1] == pytest.approx(0.45)
    leaf = furniture.door(rng)[0]
    assert 2 * leaf.half[1] == 2.0
    assert 0.8 <= 2 * leaf.half[0] <= 0.95
    row = furniture.kitchen_row(rng)
    assert any(-s.centre[1] + s.half[1] == pytest.approx(0.9) for s in row)


def test_what_lies_on_a_table_lies_on_it() -> None:
    for seed in range(5):
        things = furniture.laden(np.random.default_rng(seed), 2.0, 1.0, 0.74, 12)
        boxes = bounds(things)
        assert boxes[:, 4].max() == pytest.approx(-0.74, abs=0.02)
        assert boxes[:, 0].min() > -1.15
        assert boxes[:, 3].max() < 1.15


def test_pieces_of_a_layout_do_not_meet() -> None:
    rng = np.random.default_rng(4)
    layout = rooms.Layout((-2, -2.5, 0), (2, 0, 4))
    placed = [layout.against(rng, furniture.cupboard(rng)) for _ in range(12)]
    assert sum(placed) >= 2
    boxes = [box for box, _ in layout.pieces]
    for i, a in enumerate(boxes):
        assert (a[:3] > np.array(layout.low) - 0.05).all()
        assert (a[3:] < np.array(layout.high) + 0.05).all()
        for b in boxes[:i]:
            assert not ((a[:3] < b[3:]) & (b[:3] < a[3:])).all()


def test_a_layout_keeps_what_must_be_free_free() -> None:
    layout = rooms.Layout((-2, -2.5, 0), (2, 0, 4))
    layout.kept.append(np.array([-2, -2.5, 0, 2, 0, 4.0]))
    assert not layout.against(np.random.default_rng(0), furniture.stool(np.random.default_rng(0)))


def test_the_camera_is_in_the_room_and_sees(world: World) -> None:
    shell = next(s for s in world.shapes if s.kind == Kind.ROOM)
    low = np.array(shell.centre) - shell.half
    high = np.array(shell.centre) + shell.half
    eye = np.array(world.camera.eye)
    assert (eye > low).all()
    assert (eye < high).all()
    assert not any(holds(s, world.camera.eye) for s in world.shapes)
    assert rooms.clear_view(world.shapes, world.camera)
    assert 0.45 <= world.camera.focal_share <= 2.5
    assert 0.5 <= world.camera.aspect <= 2


def test_a_wall_close_to_the_lens_is_no_view() -> None:
    camera = rooms.Camera((0.0, -1.5, 0.0))
    wall = Shape(Kind.BOX, (2, 2, 0.05), (0, -1.5, 0.35))
    assert not rooms.clear_view([wall], camera)
    assert rooms.clear_view([wall], rooms.Camera((0.0, -1.5, 0.0), yaw_rad=np.pi))
    assert rooms.clear_view([Shape(Kind.BOX, (2, 2, 0.05), (0, -1.5, 0.7))], camera)


def test_share_seen_of_a_square_ahead() -> None:
    """One metre at two metres with a focal length of one width takes half the width."""
    camera = rooms.Camera((0.0, -1.5, 0.0), focal_share=1.0, aspect=1.0)
    square = [Shape(Kind.BOX, (0.5, 0.5, 1e-6), (0, -1.5, 2.0))]
    assert rooms.share_seen(camera, square) == pytest.approx(0.25, rel=1e-3)
    assert rooms.share_seen(rooms.Camera((0.0, -1.5, 4.0)), square) == 0


def test_worlds_are_lit_and_their_colours_physical(world: World) -> None:
    assert world.sky is None
    glow = max(s.surface.glow for s in world.shapes)
    assert world.lamps or glow > 0 or min(world.ambient) > 0.05
    assert len(world.lamps) <= 12
    for shape in world.shapes:
        assert all(0 <= c <= 1 for c in (*shape.surface.colour, *shape.surface.other))
        assert np.isfinite([*shape.half, *shape.centre, *shape.start, *shape.end]).all()


@pytest.mark.parametrize("make", WORLDS)
def test_the_seed_decides_the_world(make: Callable[[Rng], World]) -> None:
    assert make(np.random.default_rng(7)) == make(np.random.default_rng(7))


@pytest.mark.parametrize("seed", range(4))
def test_a_portrait_has_its_subject_in_view(seed: int) -> None:
    world = rooms.portrait_indoors(np.random.default_rng(seed))
    subject = [s for s in world.shapes if s.subject]
    assert len(subject) > 10
    assert rooms.share_seen(world.camera, subject) > 0.08
