"""The reference data's own scorers, run over exactly what the commands use."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from depthfx.errors import DepthfxError
from depthfx.evaluation import embedded, truth
from depthfx.evaluation.baselines import gradient
from depthfx.evaluation.normals import cross_normals


def load_scorer(folder: Path) -> ModuleType:
    """The module `score.py` of a data folder; raises DepthfxError if there is none."""
    path = folder / "score.py"
    spec = util.spec_from_file_location(f"scorer_{folder.name}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise DepthfxError(f"{folder} holds no score.py")
    module = util.module_from_spec(spec)
    sys.path.insert(0, str(folder))  # scorers import their neighbours
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


def score(folder: Path, parts: list[str]) -> None:
    """Print the tables of the parts that are in `folder`: "rgbd", "subjects", "truth"."""
    if "rgbd" in parts:
        scorer = load_scorer(folder / "rgbd")
        for name, predict in (("vertical gradient", gradient), ("embedded", embedded.depth)):
            print(f"-- depth: {name}")
            scorer.print_table(scorer.evaluate(predict, str(folder / "rgbd" / "eval")))
    if "subjects" in parts:
        scorer = load_scorer(folder / "subjects")
        result = scorer.evaluate(lambda rgb, _: embedded.matte(rgb), str(folder / "subjects"))
        print("-- subjects: embedded")
        print(scorer.table(result))
    if "truth" in parts:
        scorer = load_scorer(folder / "truth")
        root = str(folder / "truth")
        print("-- defocus from true depth, PSNR in dB")
        print(scorer.table(scorer.evaluate_defocus(truth.render, root), per_render=True))
        print("-- new views from true depth, PSNR in dB")
        print(scorer.table(scorer.evaluate_views(truth.view, root), per_render=True))
        for name, refine in (("bilinear", _bilinear), ("refined", truth.refine)):
            print(f"-- depth at full size: {name}")
            print(scorer.table(scorer.evaluate_depth(refine, root)))
        print("-- normals from true depth, angular error in degrees")
        print(scorer.table(scorer.evaluate_normals(truth.normals, root)))
        print("-- added light from true depth")
        print(scorer.table(scorer.evaluate_light(truth.light, root)))
        print("-- normals from depth at full size, bilinear, by cross products")
        print(scorer.table(_plain_normals(scorer, root)))
        for name, refine in (("bilinear", _bilinear), ("refined", truth.refine)):
            normals, light = _from_small(scorer, root, refine)
            print(f"-- normals from depth at full size, {name}")
            print(scorer.table(normals))
            print(f"-- added light from depth and normals at full size, {name}")
            print(scorer.table(light))


Refine = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _from_small(
    scorer: ModuleType, root: str, refine: Refine
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Scores of normals and of added light as photos have them: depth enlarged by `refine`."""
    normals, lights = {}, {}
    for name in scorer.scenes(root):
        scene = scorer.load_scene(str(Path(root) / name))
        focal_px, cx, cy = (scene[key] for key in ("f_px", "cx", "cy"))
        depth = refine(scene["sharp"], scene["depth_small"])
        facing = truth.normals(depth, focal_px, cx, cy)
        added, shadow = truth.light(scene["sharp"], depth, facing, focal_px, cx, cy, scene["light"])
        normals[name] = {"mean": scorer.score_normals(facing, scene)}
        lights[name] = {"mean": scorer.score_light(added, scene, shadow)}
    return _with_mean(scorer, normals), _with_mean(scorer, lights)


def _plain_normals(scorer: ModuleType, root: str) -> dict[str, Any]:
    """Scores of the plain way: bilinear depth, cross products of its differences."""
    scores = {}
    for name in scorer.scenes(root):
        scene = scorer.load_scene(str(Path(root) / name))
        depth = _bilinear(scene["sharp"], scene["depth_small"])
        facing = cross_normals(depth, scene["f_px"], scene["cx"], scene["cy"])
        scores[name] = {"mean": scorer.score_normals(facing, scene)}
    return _with_mean(scorer, scores)


def _with_mean(scorer: ModuleType, scenes: dict[str, Any]) -> dict[str, Any]:
    """Scores as the scorer's `table` takes them."""
    return {
        "scenes": scenes,
        "mean": scorer.mean_of([scores["mean"] for scores in scenes.values()]),
    }


def _bilinear(sharp: np.ndarray, depth_small: np.ndarray) -> np.ndarray:
    height, width = sharp.shape[:2]
    inverse: np.ndarray = 1 / cv2.resize(1 / depth_small, (width, height))
    return inverse
