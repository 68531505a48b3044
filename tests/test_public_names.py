"""The public names, held by a test: adding or losing one is a decision."""

import depthfx
import depthfx_effects
from depthfx import batch


def test_the_names_of_the_library():
    assert sorted(depthfx.__all__) == [
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
    for name in depthfx.__all__:
        assert getattr(depthfx, name) is not None


def test_the_names_of_batches():
    assert sorted(batch.__all__) == ["Finding", "Result", "Status", "Written", "run"]


def test_the_names_of_the_effects():
    assert depthfx_effects.__all__ == [
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
    for name in depthfx_effects.__all__:
        assert getattr(depthfx_effects, name).__name__ == name
