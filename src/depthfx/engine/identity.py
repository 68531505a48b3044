"""What decides a model's answer besides the photo, told without loading the model.

Whoever keeps depth for later needs to know whether it would be found the same today. So this
says more rather than less: the content of the model's files, how it is asked to run, the source
code between the photo and its depth, the libraries that compute. A plugin's model is known to
nobody here; it may say itself what it depends on, by

    @staticmethod
    def identity(context: Context) -> str | None: ...
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from fnmatch import fnmatch
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from depthfx.context import Context
from depthfx.engine import hub
from depthfx.engine.catalogue import PREFIXES, entries
from depthfx.errors import ModelError
from depthfx.registry import model_class, model_names

ROOT = Path(__file__).parents[1]
CODE = ("engine", "matting", "raster", "inpaint", "camera.py", "depth.py", "photo/colour.py")
"""Of the package: what stands between a photo's pixels and its depth and matte."""
NUMERIC = ("numpy", "opencv-python-headless", "opencv-python", "numba")
RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
TORCH = ("torch", "torchvision", "timm", "transformers", "diffusers")
FOLDER_FILES = ("*.json", "*.txt", "*.safetensors", "README.md")
"""What is read of a model that is a folder."""


def identity(context: Context, *, embedded: bool) -> str | None:
    """Hex digest of what decides the answer of the context's model; None: that cannot be told.

    embedded : it is one of those that come with the program, which run in one way only

    None for a plugin that does not say, and where files are not here yet.
    """
    try:
        files = _files(context)
    except (OSError, ModelError):
        return None
    if files is None:
        return None
    facts = {
        "model": context.model,
        "quality": context.quality,
        "commercial_only": context.commercial_only,
        "files": files,
        "code": code_digest(),
        "libraries": _versions((*NUMERIC, *RUNTIMES, *(() if embedded else TORCH))),
    }
    if not embedded:
        facts["way"] = [context.device, context.memory_limit_gb, context.compile]
    return digest(facts)


def digest(facts: object) -> str:
    """SHA-256 in hexadecimal of what JSON can say."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@cache
def code_digest() -> str:
    """SHA-256 in hexadecimal of the source code that turns pixels into depth and matte."""
    total = hashlib.sha256()
    for name in CODE:
        place = ROOT / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(ROOT).as_posix()} {content}\n".encode())
    return total.hexdigest()


def _versions(names: Iterable[str]) -> dict[str, str]:
    return {name: found for name in names if (found := _version(name))}


@cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _files(context: Context) -> list[str] | None:
    """Names and checksums of the model's files, or what a plugin says instead."""
    name, weights = context.model, context.weights
    entry = entries().get(name)
    if name in model_names() and entry is None:
        say = getattr(model_class(name), "identity", None)
        told = say(context) if say is not None else None
        return None if told is None else [str(told)]
    backend, source = (entry.backend, entry.source) if entry is not None else _prefixed(name)
    if backend == "built in":
        path = weights or (entry.here if entry is not None else None)
        return None if path is None else [hub.checksum(path)]
    if backend in ("transformers", "marigold"):
        folder = weights or _folder(source)
        return None if folder is None else _contents(folder)
    return _of_graph(Path(source).expanduser(), weights) if backend == "onnx" else None


def _prefixed(name: str) -> tuple[str, str]:
    prefix, _, source = name.partition(":")
    return PREFIXES.get(prefix, ""), source


def _folder(source: str) -> Path | None:
    local = Path(source).expanduser()
    return local if local.is_dir() else hub.cached_snapshot(source)


def _contents(folder: Path) -> list[str]:
    """The files that are read of a model's folder, with their checksums."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and any(fnmatch(name, pattern) for pattern in FOLDER_FILES):
            found.append(f"{name} {hub.checksum(path)}")
    return found


def _of_graph(description: Path, weights: Path | None) -> list[str] | None:
    """An ONNX model: its description, its graph, and what may belong to that."""
    from depthfx.engine.onnx.description import read_description

    told = read_description(description).weights
    folder = description.parent
    if weights is None and told.repository and not (folder / told.file).is_file():
        here = hub.cached_snapshot(told.repository, None, (told.file, *told.data))
        if here is None:
            return None
        folder = here
    graph = weights or folder / told.file
    files = [description, graph, *(folder / name for name in told.data if weights is None)]
    # A graph may keep its weights in any file beside it, and does not say so where it is told.
    beside = sorted(path for path in graph.parent.iterdir() if path.is_file())
    stats = [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in beside]
    return [*map(hub.checksum, files), *stats]
