"""A portrait from Python: `python samples/from_python.py PHOTO OUT`."""

from __future__ import annotations

import sys

import depthfx
from depthfx_effects import Portrait


def main(photo: str, out: str) -> None:
    scene = depthfx.open(photo)
    result = Portrait(f_number=1.4)(scene)
    depthfx.save(result, out, overwrite=True)
    print(f"{out}: {'; '.join(result.notes)}; depth from {scene.depth.origin}")


if __name__ == "__main__":
    main(*sys.argv[1:])
