"""What an effect makes beside the picture: a folder of layers, a point cloud, a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Product:
    """Something to be written beside the picture.

    name : the end of its file name, with its suffix: "depth.png" becomes
        "<stem>-depth.png"
    write : writes it to the path it is given, whole or not at all, replacing what is there
    """

    name: str
    write: Callable[[Path], None]

    def path_beside(self, picture: Path) -> Path:
        return picture.with_name(f"{picture.stem}-{self.name}")
