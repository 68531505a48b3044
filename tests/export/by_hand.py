"""Small layers and shots made by hand, and where their corners are to be seen."""

import numpy as np

from depthfx.camera import Camera
from depthfx.export.shot import Shot
from depthfx.geometry.moves import Key, Move
from depthfx.geometry.pose import Pose
from depthfx.layers.layers import Layer, Layers

WIDTH, HEIGHT, FOCAL_PX = 96, 64, 90.0

NASTY_NAMES = (
    "Дерево 木 🌳",
    'say "hi" \\ {x} }{ [exit] $HOME',
    "it's {open",
    "'''\"\"\" {{x}} \\",
    "[[long]] ]] -- comment",
    "two\nlines\tand\x07bell",
)


def layers_by_hand(count, *, name="", off_centre=False, brightest=1.0, metric=True, smooth=False):
    """`count` layers over each other, each smaller and nearer, half clear at its rim; the farthest
    covers the photo and goes on beyond it. `smooth`: without grain."""
    rng = np.random.default_rng(5)
    found = []
    for n in range(count):
        margin = 6 * n - 5
        left, top = margin, max(margin, 0) // 2 - 4 * (n == 0)
        width, height = WIDTH - 2 * margin - n, max(HEIGHT - 2 * top - 2 * n, 4)
        colour = rng.random((1, 1, 3), np.float32)
        texture = 0 if smooth else 0.3 * rng.random((height, width, 3), np.float32)
        pixels = np.broadcast_to(colour, (height, width, 3)).astype(np.float32) + texture
        pixels[0, 0] *= brightest / pixels[0, 0].max()
        alpha = np.ones((height, width), np.float32)
        if n:
            alpha[:, :2] = alpha[:, -2:] = np.float32(128 / 255)
        near = np.float32(0.1 + 0.15 * n)
        inverse = np.linspace(0.9 * near, 1.1 * near, height * width, dtype=np.float32)
        title = f"Layer {n + 1}" if not name else f"{name}" if n == 0 else f"{name} {n}"
        shape = (height, width)
        found.append(Layer(title, pixels, alpha, inverse.reshape(shape), float(near), left, top))
    centre = (WIDTH / 2 + 5.5, HEIGHT / 2 - 3.25) if off_centre else (None, None)
    camera = Camera(WIDTH, HEIGHT, FOCAL_PX, cx=centre[0], cy=centre[1])
    return Layers(tuple(found), camera, metric, "linear", 3.0)


def depth_of(layers):
    """Inverse depth of the photo: from infinitely far to 2 m."""
    shape = (layers.camera.height, layers.camera.width)
    return np.linspace(0, 0.5, shape[0] * shape[1], dtype=np.float32).reshape(shape)


def still_shot(layers, name="still"):
    return Shot(name, layers.camera.width, layers.camera.height, 25.0, 0.2)


def orbit_shot(*, name="an orbit", focused=False):
    """Position, target, roll and zoom all change; the frame is not of the photo's shape."""
    keys = tuple(
        Key(at, Pose(place, (0.2, -0.1, 4.0), roll, zoom), focus, opening)
        for at, place, roll, zoom, focus, opening in (
            (0.0, (0.3, 0.1, 0.0), 0.0, 1.0, 0.5, 0.02),
            (0.4, (-0.2, -0.3, 0.4), 7.0, 1.1, 0.3, 0.02),
            (1.0, (0.1, 0.2, -0.5), -4.0, 0.9, 0.2, 0.03),
        )
    )
    if not focused:
        keys = tuple(Key(key.at, key.pose) for key in keys)
    return Shot(name, 160, 90, 24.0, 0.5, Move("orbit", keys))


def places_expected(layers, shot, card, pose):
    """(4, 2) px in the frame of a card's corners, by `Pose.matrix` on the photo's own pixels."""
    layer, photo = card.layer, layers.camera
    height, width = layer.alpha.shape
    x0, y0 = layer.left, layer.top
    corners = [(x0, y0), (x0 + width, y0), (x0 + width, y0 + height), (x0, y0 + height)]
    inverse = -1 / card.centre[2]
    seen = np.array([(*corner, 1, inverse) for corner in corners]) @ pose.matrix(photo).T
    scale = max(shot.width / photo.width, shot.height / photo.height)
    middle = np.array([photo.width, photo.height]) / 2
    frame = np.array([shot.width, shot.height]) / 2
    return (seen[:, :2] / seen[:, 2:] - middle) * scale + frame
