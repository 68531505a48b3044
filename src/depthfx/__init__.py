"""depthfx: photo editing built on depth.

    import depthfx
    from depthfx_effects import Bokeh

    scene = depthfx.open("photo.jpg")
    depthfx.save(Bokeh(f_number=1.8)(scene), "out.jpg")

Names are loaded when first used, so that `import depthfx` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from depthfx.camera import Camera, FocalOrigin
    from depthfx.chain import Chain
    from depthfx.context import Context
    from depthfx.depth import Depth
    from depthfx.effect import Effect, Param, Point
    from depthfx.engine.find import model
    from depthfx.errors import DepthfxError
    from depthfx.files import open, save
    from depthfx.photo.photo import Metadata, Photo
    from depthfx.product import Product
    from depthfx.scene import Channel, Scene

__version__ = "0.1.0"

_HOME = {
    "Camera": "camera",
    "FocalOrigin": "camera",
    "Chain": "chain",
    "Context": "context",
    "Depth": "depth",
    "Effect": "effect",
    "Param": "effect",
    "Point": "effect",
    "model": "engine.find",
    "DepthfxError": "errors",
    "open": "files",
    "save": "files",
    "Metadata": "photo.photo",
    "Photo": "photo.photo",
    "Product": "product",
    "Channel": "scene",
    "Scene": "scene",
}

__all__ = [
    "Camera",
    "Chain",
    "Channel",
    "Context",
    "Depth",
    "DepthfxError",
    "Effect",
    "FocalOrigin",
    "Metadata",
    "Param",
    "Photo",
    "Point",
    "Product",
    "Scene",
    "model",
    "open",
    "save",
]


def __getattr__(name: str) -> Any:
    if name == "batch":
        return import_module("depthfx.batch")
    if name in _HOME:
        return getattr(import_module(f"depthfx.{_HOME[name]}"), name)
    raise AttributeError(f"module 'depthfx' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
