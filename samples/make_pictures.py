"""Make the before/after pictures of the README: `python samples/make_pictures.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

import depthfx
from depthfx_effects import Bokeh, DepthPicture, Fog, Layers, Photo3D, Portrait, Relight

if TYPE_CHECKING:
    from depthfx.layers.layers import Layer

HERE = Path(__file__).parent
OUT = HERE.parent / "docs" / "pictures"
HEIGHT = 320
RULE = 6
CROP_PX = 300
CHECK_PX = 16
"""Of the chequers that show through where a layer is transparent."""


def picture(scene: depthfx.Scene) -> Image.Image:
    from depthfx.photo.colour import srgb_space

    return Image.fromarray(srgb_space().encode(scene.photo.pixels, 8))


def side_by_side(pictures: list[Image.Image], height: int = HEIGHT) -> Image.Image:
    """Pictures at one height, a white rule between them."""
    scaled = [
        p.resize((round(p.width * height / p.height), height), Image.Resampling.LANCZOS)
        for p in pictures
    ]
    rule = np.full((height, RULE, 3), 255, np.uint8)
    parts = [part for p in scaled for part in (np.asarray(p.convert("RGB")), rule)]
    return Image.fromarray(np.hstack(parts[:-1]))


def on_chequers(layer: Layer) -> Image.Image:
    """A layer as editors show it: chequers where it is transparent."""
    from depthfx.photo.colour import srgb_space

    rows, columns = np.indices(layer.alpha.shape) // CHECK_PX
    chequers = 200 + 30 * ((rows + columns) % 2)
    alpha = layer.alpha[..., None]
    shown = alpha * srgb_space().encode(layer.pixels, 8) + (1 - alpha) * chequers[..., None]
    return Image.fromarray(np.rint(shown).astype(np.uint8))


def parallax() -> None:
    """The layers of the cat and a shot of the portrait."""
    scene = depthfx.open(HERE / "cat.jpg")
    layers = Layers()(scene).layers
    assert layers is not None
    strip = [picture(scene), *(on_chequers(layer) for layer in layers.layers)]
    side_by_side(strip).save(OUT / "layers.jpg", quality=90)
    shot = Photo3D(camera="sway", move=0.04, size="360x360", seconds=3, fps=15)
    depthfx.save(shot(depthfx.open(HERE / "portrait.jpg")), OUT / "shot.webp", overwrite=True)


def light() -> None:
    """The portrait in other lights, the cup by a lamp, the cat before fog."""
    scene = depthfx.open(HERE / "portrait.jpg")
    looks = [Relight(preset=name) for name in ("contour", "window", "golden-hour", "stage-mono")]
    side_by_side([picture(scene), *(picture(look(scene)) for look in looks)]).save(
        OUT / "relit.jpg", quality=90
    )
    cup, cat = (depthfx.open(HERE / f"{name}.jpg") for name in ("coffee", "cat"))
    lamp = Relight(light=("key right 70deg 20deg up 3000K +1",), own_key=0.6, own_fill=0.6)
    strip = [picture(cup), picture(lamp(cup)), picture(cat), picture(Fog()(cat))]
    side_by_side(strip).save(OUT / "looks.jpg", quality=90)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for name in ("portrait", "cat", "coffee"):
        scene = depthfx.open(HERE / f"{name}.jpg")
        effect = Bokeh(f_number=1.4) if name == "coffee" else Portrait(f_number=1.4)
        strip = [picture(scene), picture(effect(scene)), picture(DepthPicture()(scene))]
        side_by_side(strip).save(OUT / f"{name}.jpg", quality=90)
    crops = []
    for name, (left, top) in (("portrait", (80, 0)), ("cat", (151, 0))):
        scene = depthfx.open(HERE / f"{name}.jpg")
        for p in (picture(scene), picture(Portrait(f_number=1.4)(scene))):
            crops.append(p.crop((left, top, left + CROP_PX, top + CROP_PX)))
    side_by_side(crops, CROP_PX).save(OUT / "outline.jpg", quality=92)
    parallax()
    light()


if __name__ == "__main__":
    main()
