"""What an effect makes beside the picture, or in its place: layers, a film, a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from depthfx.errors import ParameterError

if TYPE_CHECKING:
    from depthfx.scene import Scene


@dataclass(frozen=True)
class Product:
    """Something to be written.

    name : the end of its file name, with its suffix: "depth.png" becomes
        "<stem>-depth.png"; a folder has no suffix
    write : writes it for the scene as it is when it is saved, to the path it is given, whole or
        not at all, replacing what is there
    endings : it takes the picture's place and its path, which ends in one of these, see
        `Effect.endings`; empty: it stands beside the picture
    """

    name: str
    write: Callable[[Scene, Path], None]
    endings: tuple[str, ...] = ()

    def path_beside(self, picture: Path) -> Path:
        return picture.with_name(f"{picture.stem}-{self.name}")


def check_library(path: Path, module: str, library: str, extra: str) -> None:
    """Raise ParameterError if `module`, which writes files like `path`, is not installed."""
    if find_spec(module) is None:
        raise ParameterError(
            f"{path}: writing {path.suffix.lower()} needs {library}: pip install 'depthfx[{extra}]'"
        )


def is_folder(path: Path, endings: tuple[str, ...]) -> bool:
    """Whether a product with these `endings` is a folder if it is called `path`."""
    return endings == ("",) or ("" in endings and not path.suffix)
