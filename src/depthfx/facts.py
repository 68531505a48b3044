"""What was done to a photo, as numbers and words for people (the summary) and programs (JSON)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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


def summary(photo: Path, result: dict[str, Any]) -> str:
    """The one line that says what was done, on which grounds."""
    share = result["metres_uncertainty"]
    within = f", metres within {share:.0%}" if share else ""
    depth = f"depth: {result['depth']}" + (within if result["metric"] else " (relative)")
    guess = ", --f35 sets it" if result["focal_origin"] == "guess" else ""
    focal = (
        f"focal length {result['focal_px']:.0f} px, {result['f35_mm']:.0f} mm equivalent "
        f"({result['focal_origin']}{guess})"
    )
    parts = [*result["notes"], depth, focal, *(f"warning: {w}" for w in result["warnings"])]
    line = f"{photo}: " + "; ".join(parts) + f"; {result['seconds']:.1f} s"
    return " ".join(line.splitlines())  # a name may have several


def json_line(values: Any) -> str:
    """`values` as one line of strict JSON: what is infinite or not a number becomes null."""
    return json.dumps(_finite(values), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(entry) for name, entry in value.items()}
    return [_finite(entry) for entry in value] if isinstance(value, list | tuple) else value
