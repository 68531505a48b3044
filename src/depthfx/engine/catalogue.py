"""The models that are known by name, and what may be done with them.

The records stand in `catalogue.toml`; reading them imports nothing heavy.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from depthfx.engine import hub
from depthfx.engine.model import ModelInfo
from depthfx.errors import ModelError
from depthfx.registry import model_names

RECORDS = Path(__file__).with_name("catalogue.toml")
DESCRIPTIONS = Path(__file__).parent / "onnx" / "models"
"""What is said of the ONNX models that depthfx knows, see docs/onnx-models.md."""

PREFIXES = {"hf": "transformers", "marigold": "marigold", "onnx": "onnx"}
"""What a name that says itself where its files are begins with, and its backend."""


@dataclass(frozen=True)
class Entry:
    """A model of the catalogue.

    backend : "built in", "transformers", "marigold", "onnx", "faces" for what finds faces and no
        depth, or "plugin" for one that registers itself and is not in the catalogue
    repository : on the Hugging Face hub; empty if the weights come with the program
    file : the weights in it; where it is in the cache, the model is taken to be here. Without
        a repository, the weights in the package
    """

    info: ModelInfo
    backend: str
    repository: str = ""
    file: str = ""

    @property
    def source(self) -> str:
        """What the backend is given: the repository, or the description of an ONNX model."""
        if self.backend == "onnx":
            return str(DESCRIPTIONS / f"{self.info.name}.toml")
        return self.repository

    @property
    def answer(self) -> str:
        """What it finds: "metric" or "relative" depth, or "faces"."""
        if self.backend == "faces":
            return self.backend
        return "metric" if self.info.metric else "relative"

    @property
    def is_ready(self) -> bool:
        """Whether depthfx can run it as it is.

        An ONNX model needs its description; one that comes along has to be in this package.
        """
        if self.backend == "built in" and not self.repository:
            return self.here is not None
        return self.backend != "onnx" or Path(self.source).is_file()

    @property
    def here(self) -> Path | None:
        """Where the weights lie on this machine; None if they were not downloaded."""
        if not self.repository:
            packed = RECORDS.parent / self.file
            return packed if self.file and packed.is_file() else None
        return hub.cached(self.repository, self.file) if self.file else None


@cache
def entries() -> dict[str, Entry]:
    """All records by name, in the order of the catalogue."""
    with RECORDS.open("rb") as file:
        return {record["name"]: _entry(record) for record in tomllib.load(file)["model"]}


def _entry(record: dict[str, Any]) -> Entry:
    backend, repository, file = (
        record.pop("backend"),
        record.pop("repository", ""),
        record.pop("file", ""),
    )
    record.setdefault("source", f"https://huggingface.co/{repository}")
    return Entry(
        ModelInfo(checksum=record.pop("checksum", ""), **record), backend, repository, file
    )


def check_commercial(info: ModelInfo, what: str = "", instead: str = "") -> None:
    """Raise ModelError, with the reason and what is allowed, if `info` forbids commercial use.

    what, instead : the model and the way out in words, where its name and the other models
        would not say enough
    """
    if info.commercial:
        return
    known = entries().get(info.name)
    reason = info.reason or (known.info.reason if known else f"its licence: {info.licence}")
    allowed = (
        n
        for n, entry in entries().items()
        if entry.info.commercial and entry.is_ready and entry.answer != "faces"
    )
    raise ModelError(
        f"--commercial-only: {what or info.name} is not for commercial use: {reason}; "
        + (instead or f"allowed are a depth file (--depth FILE) and --model {', '.join(allowed)}")
    )


def check_weights(entry: Entry, sha256: str) -> None:
    """Raise ModelError if weights with this SHA-256 are others than the catalogue knows."""
    name, known = entry.info.name, entry.info.checksum
    if known and sha256 != known:
        raise ModelError(
            f"{name}: its weights have SHA-256 {sha256}, the catalogue expects {known}: they are "
            f"old (`depthfx models pull {name}` renews them) or were changed on the hub; "
            "--weights takes others"
        )


def unknown(name: str) -> ModelError:
    """What to say of a name that no model has, with the nearest one."""
    close = get_close_matches(name, [*model_names(), *entries()], n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else "`depthfx models list` shows what there is"
    return ModelError(f"there is no depth model {name!r}; {hint}")
