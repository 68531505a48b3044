"""The effects that come with depthfx, one module each, found like anybody's plugin."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from depthfx_effects.bokeh import Bokeh
    from depthfx_effects.depth_picture import DepthPicture
    from depthfx_effects.fog import Fog
    from depthfx_effects.grade import Grade
    from depthfx_effects.grain import Grain
    from depthfx_effects.layers import Layers
    from depthfx_effects.mask import Mask
    from depthfx_effects.mesh import Mesh
    from depthfx_effects.normals import Normals
    from depthfx_effects.photo3d import Photo3D
    from depthfx_effects.pointcloud import PointCloud
    from depthfx_effects.portrait import Portrait
    from depthfx_effects.relight import Relight
    from depthfx_effects.separation import Separation
    from depthfx_effects.stereo import Stereo
    from depthfx_effects.tilt_shift import TiltShift

_HOME = {
    "Bokeh": "bokeh",
    "DepthPicture": "depth_picture",
    "Fog": "fog",
    "Grade": "grade",
    "Grain": "grain",
    "Layers": "layers",
    "Mask": "mask",
    "Mesh": "mesh",
    "Normals": "normals",
    "Photo3D": "photo3d",
    "PointCloud": "pointcloud",
    "Portrait": "portrait",
    "Relight": "relight",
    "Separation": "separation",
    "Stereo": "stereo",
    "TiltShift": "tilt_shift",
}

__all__ = [
    "Bokeh",
    "DepthPicture",
    "Fog",
    "Grade",
    "Grain",
    "Layers",
    "Mask",
    "Mesh",
    "Normals",
    "Photo3D",
    "PointCloud",
    "Portrait",
    "Relight",
    "Separation",
    "Stereo",
    "TiltShift",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"depthfx_effects.{_HOME[name]}"), name)
    raise AttributeError(f"module 'depthfx_effects' has no attribute {name!r}")
