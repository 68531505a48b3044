"""Write the sample photos from the packages that carry them: `python samples/make_samples.py`.

All are in the public domain or CC0; `samples/README.md` credits them.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from skimage import data

HERE = Path(__file__).parent
PHOTOS = {"portrait": data.astronaut, "cat": data.chelsea, "coffee": data.coffee}


def main() -> None:
    for name, load in PHOTOS.items():
        Image.fromarray(load()).save(HERE / f"{name}.jpg", quality=95, subsampling=0)


if __name__ == "__main__":
    main()
