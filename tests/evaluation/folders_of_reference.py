"""A little reference data: one source of depth, one of mattes, with scorers of the same calls."""

import json
from pathlib import Path

import cv2
import numpy as np

FOCAL_SHARE, TRUE_M = 0.5, 4.0
SIZE = (48, 64)

RGBD = """
import json, os
import cv2
import numpy as np

def evaluate(predict, root):
    table = {}
    for source in sorted(os.listdir(root)):
        index = json.load(open(os.path.join(root, source, "index.json")))
        for item in index["items"]:
            photo = cv2.imread(os.path.join(root, source, item["id"] + ".jpg"))[..., ::-1]
            predict(photo.astype(np.float32) / 255)
        table[source] = {"images": len(index["items"]), "ordinal": 0.5, "edges": float("nan")}
    table["mean"] = {"images": 1, "ordinal": 0.5}
    return table
"""

SUBJECTS = """
def baseline_ellipse(image, item):
    return image[..., 0] * 0.0

def evaluate(predict, root):
    row = {"name": "kind:person", "n": 1, "IoU": 0.5}
    return {"rows": {"eval": [row], "mattes": [row]}}
"""


def write_reference(folder: Path) -> Path:
    """`folder` with rgbd (two photos of a wall) and subjects (one photo)."""
    wall = folder / "rgbd" / "eval" / "rooms"
    person = folder / "subjects" / "eval" / "persons"
    photo = np.random.default_rng(3).integers(60, 200, (*SIZE, 3), np.uint8)
    code = round(np.log(300 / TRUE_M) / np.log(3000) * 4088) + 1
    depth = np.full(SIZE, code, np.uint16)
    items = [
        {"id": name, "width": SIZE[1], "fx": FOCAL_SHARE * SIZE[1], "unit": "metric"}
        for name in ("a", "b")
    ]
    _source(wall, {"edges": False, "items": items}, photo, depth)
    _source(person, {"items": [{"id": "a"}]}, photo, np.full(SIZE, 255, np.uint8))
    (folder / "rgbd" / "score.py").write_text(RGBD)
    (folder / "subjects" / "score.py").write_text(SUBJECTS)
    return folder


def _source(folder: Path, index: dict, photo: np.ndarray, truth: np.ndarray) -> None:
    folder.mkdir(parents=True)
    (folder / "index.json").write_text(json.dumps(index))
    for item in index["items"]:
        cv2.imwrite(str(folder / f"{item['id']}.jpg"), photo)
        cv2.imwrite(str(folder / f"{item['id']}.png"), truth)
