"""`models`: the models that are known by name; fetched, described, their licences."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from depthfx import registry
from depthfx.cli.failure import verbose_option
from depthfx.cli.progress import progress_bar
from depthfx.context import Context
from depthfx.engine import hub
from depthfx.engine.catalogue import PREFIXES, Entry, check_weights, entries, unknown
from depthfx.engine.model import ModelInfo
from depthfx.errors import ModelError
from depthfx.facts import json_line

CHECKED_ON_DOWNLOAD = "the hub's own, compared on download"


@click.group()
def models() -> None:
    """List the depth models, describe one, or fetch it."""


@models.command("list")
@click.option("--json", is_flag=True, help="Print as JSON.")
@click.option("--commercial-only", is_flag=True, help="Only those that allow commercial use.")
@verbose_option(exposed=False)
def list_models(json: bool, commercial_only: bool) -> None:
    """List the depth models with licence and use."""
    found = [entry for entry in _all() if entry.info.commercial or not commercial_only]
    if json:
        print(json_line([_facts(entry) for entry in found]))
        return
    head = ("name", "finds", "MB", "commercial", "here", "licence", "good at")
    print(_table([head, *map(_row, found)]))


@models.command()
@click.argument("name")
@click.option("--json", is_flag=True, help="Print as JSON.")
@verbose_option(exposed=False)
def show(name: str, json: bool) -> None:
    """Say all that is known of a depth model.

    Its use, licence, source and checksum, and where its files lie.
    """
    facts = _facts(_entry(name))
    if json:
        print(json_line(facts))
        return
    words = {key: _words(value) for key, value in facts.items() if value not in ("", None)}
    words.setdefault("checksum", CHECKED_ON_DOWNLOAD)
    words.setdefault("here", f"no; `depthfx models pull {name}` fetches it")
    print(_table([(key.replace("_", " "), value) for key, value in words.items()]))


@models.command()
@click.argument("name")
@click.option("--revision", help="Branch, tag or commit on the hub.  [default: the newest]")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@verbose_option(exposed=False)
def pull(name: str, revision: str | None, quiet: bool) -> None:
    """Fetch a depth model, or check what is here of it.

    NAME is one of `depthfx models list`, or hf:OWNER/NAME or marigold:OWNER/NAME.
    A download that was cut goes on where it stopped.
    """
    entry = _entry(name)
    info = entry.info
    if not entry.repository:
        print(f"{name}: nothing to fetch, its weights are {info.source}", file=sys.stderr)
        return
    if not quiet:
        print(f"{name}: {_announced(entry)}", file=sys.stderr)
    with progress_bar(quiet) as progress:
        folder = _fetch(entry, Context(model=name, progress=progress), revision)
    if info.checksum and revision is None:
        check_weights(entry, hub.checksum(folder / entry.file))
    if revision is not None and not quiet:
        kind = "marigold" if entry.backend == "marigold" else "hf"
        print(f"to use this revision: --model {kind}:{folder}", file=sys.stderr)
    print(folder)


def _announced(entry: Entry) -> str:
    """What will be fetched, under which licence."""
    info = entry.info
    if info.name not in entries():
        return f"{info.source}, whose page says its licence"
    return (
        f"{info.size_mb:g} MB, {info.source}, licence {info.licence}, "
        f"commercial use: {_words(info.commercial)}"
    )


def _all() -> list[Entry]:
    """The catalogue, and the models of plugins."""
    known = entries()
    return [*known.values(), *(_plugin(n) for n in registry.model_names() if n not in known)]


def _plugin(name: str) -> Entry:
    return Entry(registry.model_class(name).info, "plugin")


def _entry(name: str) -> Entry:
    """What is known of a name. Raises ModelError if it is none."""
    if name in entries():
        return entries()[name]
    if name in registry.model_names():
        return _plugin(name)
    prefix, _, repository = name.partition(":")
    if not repository or prefix not in PREFIXES:
        raise unknown(name)
    if prefix == "onnx" or Path(repository).is_dir():
        raise ModelError(f"{name} lies on this machine already: there is nothing to fetch or list")
    source = f"https://huggingface.co/{repository}"
    info = ModelInfo(name, "not in the catalogue", 0, "see its page", False, False, source, "")
    return Entry(info, PREFIXES[prefix], repository)


def _fetch(entry: Entry, context: Context, revision: str | None) -> Path:
    """The folder of what the model's backend reads, new from the hub or checked."""

    def fetch(allow: Sequence[str]) -> Path:
        return hub.snapshot(entry.repository, context, revision=revision, allow=allow, renew=True)

    if entry.backend == "transformers":
        from depthfx.engine.transformers_depth import FILES

        return fetch(FILES)
    if entry.backend == "marigold":
        from depthfx.engine import marigold

        folder = fetch((*marigold.FILES, marigold.HALF_WEIGHTS))
        half = any(folder.glob(f"*/{marigold.HALF_WEIGHTS}"))
        return folder if half else fetch((*marigold.FILES, marigold.WEIGHTS))
    if not entry.file:
        raise ModelError(
            f"{entry.info.name} has no file that could be used as it is; "
            "docs/onnx-models.md says how to come by one"
        )
    return fetch((entry.file,))


def _facts(entry: Entry) -> dict[str, Any]:
    return {
        **asdict(entry.info),
        "kind": "faces" if entry.answer == "faces" else "depth",
        "backend": entry.backend,
        "repository": entry.repository,
        "file": entry.file,
        "here": None if entry.here is None else str(entry.here),
    }


def _row(entry: Entry) -> tuple[str, ...]:
    info = entry.info
    return (
        info.name,
        entry.answer,
        f"{info.size_mb:.0f}" if info.size_mb >= 1 else f"{info.size_mb:g}",
        _words(info.commercial),
        "" if entry.backend == "plugin" else _words(entry.here is not None),
        info.licence.partition(" (")[0].partition(",")[0],
        info.summary,
    )


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns of one width each, the last as it comes."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[-1] = 0
    padded = ((f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join("  ".join(row) for row in padded)
