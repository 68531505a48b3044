"""What is said of the work: the summary line for people, a line of JSON for programs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any


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


def json_line(facts: Any) -> str:
    """`facts` as one line of strict JSON: what is infinite or not a number becomes null."""
    return json.dumps(_finite(facts), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(entry) for name, entry in value.items()}
    return [_finite(entry) for entry in value] if isinstance(value, list | tuple) else value
