"""What was done to a photo, as numbers and words for people (the summary) and programs (JSON)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from depthfx.scene import Scene


def facts_of(
    opened: Scene, result: Scene, written: Sequence[Path], left_out: Sequence[str], seconds: float
) -> dict[str, Any]:
    """What a run of a chain on one photo is told by.

    opened, result : the scene before and after the chain
    written, left_out : what `files.saved` gives
    seconds : what it all took
    """
    from depthfx.engine.scale import metres_uncertainty

    depth, camera = result.depth, opened.camera
    return {
        "file": str(opened.photo.path),
        "written": [str(path) for path in written],
        "depth": depth.origin,
        "metric": depth.metric,
        "metres_uncertainty": metres_uncertainty(depth, camera) if depth.metric else None,
        "focal_px": round(camera.focal_px, 2),
        "f35_mm": round(camera.f35_mm, 2),
        "focal_origin": str(camera.origin),
        "notes": list(result.notes),
        "warnings": [*opened.photo.warnings, *left_out],
        "seconds": round(seconds, 3),
        **result.facts,
    }
