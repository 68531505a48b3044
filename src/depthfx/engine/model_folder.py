"""A model's folder as the hub keeps it: configuration, weights and card."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from depthfx.context import Context
from depthfx.engine import hub
from depthfx.engine.model import ModelInfo
from depthfx.errors import ModelError

COMMERCIAL = frozenset(
    {"apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "openrail++"}
)
"""Licences as model cards spell them that allow commercial use."""


def open_folder(source: str, context: Context, allow: tuple[str, ...]) -> Path:
    """The local folder of a model: `--weights` if it is one, a path, or fetched from the hub.

    source : a local folder or a hub repository, "owner/name"
    allow : patterns of the files that are needed

    Raises ModelError, one line.
    """
    if context.weights is not None:
        if not context.weights.is_dir():
            raise ModelError(
                f"--weights {context.weights}: {source} is a folder of files (config.json, "
                "*.safetensors); give such a folder"
            )
        return context.weights
    local = Path(source).expanduser()
    if local.is_dir():
        return local
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", source) or source.startswith("."):
        raise ModelError(f"{source} is neither a folder nor a hub repository (owner/name)")
    return hub.snapshot(source, context, allow=allow)


def weights_sha256(files: Sequence[Path]) -> str:
    """SHA-256 of the weights: of one file its own, of several that of their own in a row."""
    sums = [hub.checksum(file) for file in files]
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()


def size_mb(files: Iterable[Path]) -> float:
    """Size of the weights in megabytes (10^6 bytes)."""
    return round(sum(file.stat().st_size for file in files) / 1e6, 1)


def card_licence(folder: Path) -> str:
    """The licence that the model card's front matter names; "unknown" if none does."""
    try:
        card = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "unknown"
    front = re.match(r"\s*---\n(.*?)\n---", card, re.DOTALL)
    terms = dict(
        re.findall(r"^(license(?:_name)?):[ \t]*['\"]?([^'\"\n]+)", front[1] if front else "", re.M)
    )
    licence = terms.get("license_name" if terms.get("license") == "other" else "license", "")
    return licence.strip() or terms.get("license", "unknown").strip()


def described(
    name: str, source: str, folder: Path, files: Sequence[Path], *, metric: bool, checksum: str
) -> ModelInfo:
    """The record of a model that no catalogue lists, from what its folder says."""
    licence = card_licence(folder)
    hub = not Path(source).expanduser().is_dir()
    return ModelInfo(
        name=name,
        summary="not in the catalogue",
        size_mb=size_mb(files),
        licence=licence,
        commercial=licence.lower() in COMMERCIAL,
        metric=metric,
        source=f"https://huggingface.co/{source}" if hub else str(folder),
        checksum=checksum,
    )


@contextmanager
def one_line(source: str, fault: str = "cannot be loaded") -> Iterator[None]:
    """Whatever a library raises for a wrong model, as one line that names it."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{source}: {error}") from None
    except Exception as error:  # it raises many kinds, with pages of advice
        words = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelError(f"{source} {fault}: {words}") from None


@contextmanager
def silent(*libraries: Any) -> Iterator[None]:
    """Without the progress bars and advice of transformers and diffusers; ours say what counts."""
    with ExitStack() as after:
        after.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        for library in libraries:
            logging = library.utils.logging
            after.callback(logging.set_verbosity, logging.get_verbosity())
            if logging.is_progress_bar_enabled():
                after.callback(logging.enable_progress_bar)
            logging.set_verbosity(logging.CRITICAL)
            logging.disable_progress_bar()
        yield
