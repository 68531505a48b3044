"""Make the before/after pictures of the README: `python samples/make_pictures.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import depthfx
from depthfx_effects import Bokeh, DepthPicture, Portrait

HERE = Path(__file__).parent
OUT = HERE.parent / "docs" / "pictures"
HEIGHT = 320
RULE = 6
CROP_PX = 300


def picture(scene: depthfx.Scene) -> Image.Image:
    from depthfx.photo.encode import encoded_pixels

    return Image.fromarray(encoded_pixels(scene.photo, 8))


def side_by_side(pictures: list[Image.Image], height: int = HEIGHT) -> Image.Image:
    """Pictures at one height, a white rule between them."""
    scaled = [
        p.resize((round(p.width * height / p.height), height), Image.Resampling.LANCZOS)
        for p in pictures
    ]
    rule = np.full((height, RULE, 3), 255, np.uint8)
    parts = [part for p in scaled for part in (np.asarray(p.convert("RGB")), rule)]
    return Image.fromarray(np.hstack(parts[:-1]))


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


if __name__ == "__main__":
    main()
