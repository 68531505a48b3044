"""The contact sheet: all photos of a batch on one page, those that need a hand first.

A page and its pictures in one folder, which opens from a disk or a server alike and asks nobody
for anything: its content security policy allows its own script and style, by their hashes, and
pictures from where it lies. Names and words of photos stand in it as text and nothing else.
Cards hold their facts as attributes, and the script makes of them what is seen larger, so that
thousands of photos stay light.
"""

from __future__ import annotations

import base64
import hashlib
import html
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from depthfx.batch.job import Finding, Result, Status

MOST_CARDS = 20_000
"""Browsers take their time with more; whoever needs a person's look is among the first."""
KINDS = ("before", "depth", "after")
UNSEEN = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that would break a line, or turn what follows around."""
BROKEN = re.compile("[\ud800-\udfff]+")
"""What Python makes of bytes that are not UTF-8."""
STAGES = ("read", "depth", "effects", "check", "pictures", "write", "send")
"""Of a photo, in their order; a survey or a film has others."""


@dataclass(frozen=True)
class Heading:
    """What stands above the photos.

    look : name of the look
    recipe : its recipe as text
    total : how many photos the batch has, done or not; None: nobody knows, it goes on
    seconds : since the run began
    ended : whether the run is over
    """

    look: str
    recipe: str = ""
    total: int | None = None
    seconds: float = 0.0
    ended: bool = False


def sheet(results: Sequence[Result], heading: Heading, folder: Path) -> str:
    """The page (HTML) for `results`, in their order, to stand in `folder`."""
    shown = _most_wanted(results)
    style, script = _part("sheet.css"), _part("sheet.js")
    policy = (
        f"default-src 'none'; img-src 'self' file: data:; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    wanting = [result for result in shown if needs_a_hand(result)]
    failed = [result for result in shown if result.status is Status.FAILED]
    usual = _usual_depth(results)
    values = {
        "policy": policy,
        "title": text(heading.look),
        "style": style,
        "script": script,
        "progress": " · ".join(filter(None, (_progress(results, heading), text(usual)))),
        "figures": _figures(results, heading),
        "stages": _stages(results),
        "recipe": _recipe(heading),
        "wanting": _section("hand", "Needs a hand", map(_wanting, wanting)),
        "failed": _section("failures", "Failed", map(_failure, failed)),
        "chosen": _filters(results),
        "cards": "\n".join(card(result, folder, usual) for result in shown),
        "left_out": _left_out(len(results) - len(shown)),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], _part("sheet.html"))


def needs_a_hand(result: Result) -> bool:
    return bool(result.findings) and result.status is not Status.FAILED


def text(words: str) -> str:
    """Any text as HTML that shows it and does nothing; what is not UTF-8 as a replacement."""
    plain = BROKEN.sub("\ufffd", words)
    return html.escape(UNSEEN.sub(lambda found: f"\\x{ord(found[0]):02x}", plain), quote=True)


def link(path: str) -> str:
    """The address of a relative path with "/", whatever its name holds; HTML-safe."""
    # A name with a colon in it would else be taken for a scheme.
    start = "" if path.startswith("../") else "./"
    try:
        stored = os.fsencode(path)
    except UnicodeEncodeError:  # no file of this system has this name
        stored = path.encode("utf-8", "replace")
    return start + quote(stored, safe="/")


# ---------------------------------------------------------------- one photo
def card(result: Result, folder: Path, usual: str = "") -> str:
    """One photo's place in the grid; of its depth nothing is said if that is `usual`."""
    state = _state(result)
    facts = result.facts
    attributes = {
        "id": _id(result),
        "class": f"card {state}",
        "data-state": state,
        "data-kept": "1" if result.status is Status.KEPT else None,
        "data-halo": _halo(facts),
        "data-seconds": f"{sum(result.seconds.values()):.2f}" if result.seconds else None,
    }
    return (
        f"<article {_attributes(attributes)}>{_picture(result)}"
        f"<h3>{_name(result.name)}</h3>{_badge(result)}"
        f"{_reasons(result)}<p class=facts>{_words(result, usual)}</p>{_links(result, folder)}"
        "</article>"
    )


def _name(name: str) -> str:
    """The name with its folder less in sight."""
    folder, slash, own = name.rpartition("/")
    before = f"<span class=folder>{text(folder)}/</span>" if slash else ""
    return f"<bdi>{before}{text(own)}</bdi>"


def _picture(result: Result) -> str:
    """The largest button of a card: its result, or the photo if there is none."""
    pictures = {kind: link(result.pictures[kind]) for kind in KINDS if kind in result.pictures}
    kind = next((kind for kind in ("after", "before") if kind in pictures), None)
    if kind is None:
        words = "failed" if result.status is Status.FAILED else "no preview"
        return f'<div class="picture none">{words}</div>'
    others = {f"data-{name}": address for name, address in pictures.items()}
    words = {"after": "the result", "before": "the photo"}[kind]
    sides = {side: result.facts.get(side) for side in ("width", "height")}
    sized = {side: str(px) for side, px in sides.items() if isinstance(px, int)}
    image = _attributes({"src": pictures[kind], "alt": f"{result.name}, {words}", **sized}, {"src"})
    return (
        f"<button class=picture {_attributes(others, set(others))}>"
        f'<img {image} loading="lazy" decoding="async"></button>'
    )


def _badge(result: Result) -> str:
    words = {"hand": "needs a hand", "failed": "failed"}.get(_state(result))
    return f"<span class=badge>{words}</span>" if words else ""


def _reasons(result: Result) -> str:
    if result.status is Status.FAILED:
        return f"<p class=why>{text(_fault(result))}</p>"
    lines = "".join(f"<li>{_reason(finding)}</li>" for finding in result.findings)
    return f"<ul class=why>{lines}</ul>" if lines else ""


def _fault(result: Result) -> str:
    """Why it failed, without the path that its name is the end of."""
    return result.error.removeprefix(f"{result.source}: ")


def _reason(finding: Finding) -> str:
    figure = "" if finding.value is None else f" <data>{finding.value:.3g}</data>"
    return f"<b>{text(finding.check)}</b> {text(finding.words)}{figure}"


def _words(result: Result, usual: str) -> str:
    """Depth, lens, halo and time, as far as they are known."""
    facts = result.facts
    halo, depth, mm = _halo(facts), facts.get("depth"), facts.get("f35_mm")
    parts = []
    if isinstance(mm, int | float):
        parts.append(f"{mm:.0f} mm ({text(str(facts.get('focal_origin', '')))})")
    if depth and depth != usual:
        parts.append(text(str(depth)))
    if halo is not None:
        parts.append(f"halo {float(halo):.2g}")
    if result.seconds:
        parts.append(f"{sum(result.seconds.values()):.1f} s")
    if result.status is Status.KEPT:
        parts.append("kept")
    return " · ".join(f"<span>{part}</span>" for part in parts)


def _halo(facts: Mapping[str, Any]) -> str | None:
    """The halo score: the worse of leak and rim."""
    told = [facts.get(name) for name in ("halo_leak", "halo_rim")]
    known = [float(value) for value in told if isinstance(value, int | float)]
    return f"{max(known):.4f}" if known else None


def _links(result: Result, folder: Path) -> str:
    links = [
        f'<a href="{link("../" + written.name)}">{"result" if first else text(written.name)}</a>'
        for first, written in ((not at, written) for at, written in enumerate(result.written))
    ]
    source = relative(result.source, folder)
    if source is not None:
        links.append(f'<a href="{link(source)}">source</a>')
    return f"<p class=links>{' '.join(links)}</p>" if links else ""


def relative(source: str, folder: Path) -> str | None:
    """The path of `source` from `folder`, with "/"; None for a URL, or another disk."""
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", source):
        return None
    try:
        return Path(os.path.relpath(source, folder)).as_posix()
    except ValueError:  # on another drive
        return None


def _state(result: Result) -> str:
    if result.status is Status.FAILED:
        return "failed"
    return "hand" if needs_a_hand(result) else "fine"


def _id(result: Result) -> str:
    name = result.name.encode("utf-8", "surrogatepass")
    return f"p{hashlib.sha256(name).hexdigest()[:12]}"


def _attributes(values: Mapping[str, str | None], addresses: Iterable[str] = ()) -> str:
    """`name="value"` of those that have one; of addresses, which are made by `link`, as it is."""
    as_is = set(addresses)
    return " ".join(
        f'{name}="{value if name in as_is else text(value)}"'
        for name, value in values.items()
        if value is not None
    )


# ---------------------------------------------------------------- above them
def _most_wanted(results: Sequence[Result]) -> Sequence[Result]:
    """All of them, or of too many those that need a person, and the first of the rest."""
    if len(results) <= MOST_CARDS:
        return results
    order = sorted(range(len(results)), key=lambda i: (_state(results[i]) == "fine", i))
    return [results[i] for i in sorted(order[:MOST_CARDS])]


def _usual_depth(results: Sequence[Result]) -> str:
    """Where most of them have their depth from; empty if nobody says."""
    origins = Counter(str(result.facts["depth"]) for result in results if result.facts.get("depth"))
    return origins.most_common(1)[0][0] if origins else ""


def _left_out(count: int) -> str:
    if not count:
        return ""
    return f"<p class=left-out>{count:,} more photos are in report.jsonl alone.</p>"


def _progress(results: Sequence[Result], heading: Heading) -> str:
    count = len(results)
    if heading.total is None or count >= heading.total:
        return _photos(count)
    return f"{count:,} of {_photos(heading.total)}{', stopped' if heading.ended else ' so far'}"


def _photos(count: int) -> str:
    return f"{count:,} photo" if count == 1 else f"{count:,} photos"


def _figures(results: Sequence[Result], heading: Heading) -> str:
    """Counts, speed and time."""
    done = sum(result.status is Status.DONE for result in results)
    counts = _counts(results)
    ready = counts["all"] - counts["hand"] - counts["failed"]
    figures = [
        ("ready", f"{ready:,}", "good"),
        ("need a hand", f"{counts['hand']:,}", "warn" if counts["hand"] else ""),
        ("failed", f"{counts['failed']:,}", "bad" if counts["failed"] else ""),
    ]
    if counts["kept"]:
        figures.append(("kept from earlier", f"{counts['kept']:,}", ""))
    if heading.seconds > 0 and done:
        figures.append(("photos a minute", f"{done / heading.seconds * 60:.3g}", ""))
    if heading.seconds > 0:
        figures.append(("time", duration(heading.seconds), ""))
    return "".join(
        f'<div class="figure {kind}"><dt>{name}</dt><dd>{value}</dd></div>'
        for name, value, kind in figures
    )


def duration(seconds: float) -> str:
    """As "48 s", "12 min 30 s", "3 h 5 min"."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return (
        f"{minutes} min {rest} s" if minutes else f"{seconds:.3g} s" if whole < 10 else f"{rest} s"
    )


def _stages(results: Sequence[Result]) -> str:
    """Mean time per photo by stage, as bars."""
    told = [result.seconds for result in results if result.seconds]
    if not told:
        return ""
    others = sorted({stage for seconds in told for stage in seconds} - set(STAGES))
    means = {
        stage: sum(seconds.get(stage, 0.0) for seconds in told) / len(told)
        for stage in (*STAGES, *others)
    }
    longest = max(max(means.values()), 1e-9)
    rows = "".join(
        f"<tr><th scope=row>{text(stage)}</th><td><svg viewBox='0 0 100 6' preserveAspectRatio=none"
        f" aria-hidden=true><rect width='{100 * mean / longest:.1f}' height=6></rect></svg></td>"
        f"<td class=number>{mean:.2f} s</td></tr>"
        for stage, mean in means.items()
        if mean > 0
    )
    return f"<table class=stages><caption>Time a photo, by stage</caption>{rows}</table>"


def _recipe(heading: Heading) -> str:
    if not heading.recipe:
        return ""
    return f"<details><summary>Recipe</summary><pre>{_lines(heading.recipe)}</pre></details>"


def _lines(words: str) -> str:
    return "\n".join(map(text, words.splitlines()))


def _section(name: str, title: str, rows: Iterable[str]) -> str:
    lines = list(rows)
    if not lines:
        return ""
    return (
        f'<section class="list {name}-list" aria-labelledby="{name}-title">'
        f'<h2 id="{name}-title">{title} <span class=count>{len(lines):,}</span></h2>'
        f"<ol>{''.join(lines)}</ol></section>"
    )


def _wanting(result: Result) -> str:
    kind = next((kind for kind in ("after", "before") if kind in result.pictures), None)
    image = f'<img src="{link(result.pictures[kind])}" alt="" loading="lazy">' if kind else ""
    return (
        f'<li><a href="#{_id(result)}">{image}<span><b class=name>{_name(result.name)}</b>'
        f"{_reasons(result)}</span></a></li>"
    )


def _failure(result: Result) -> str:
    return (
        f'<li><a href="#{_id(result)}"><b class=name>{_name(result.name)}</b></a>'
        f"<p class=why>{text(_fault(result))}</p></li>"
    )


def _counts(results: Sequence[Result]) -> dict[str, int]:
    return {
        "all": len(results),
        "hand": sum(map(needs_a_hand, results)),
        "failed": sum(result.status is Status.FAILED for result in results),
        "kept": sum(result.status is Status.KEPT for result in results),
    }


def _filters(results: Sequence[Result]) -> str:
    names = {"all": "All", "hand": "Needs a hand", "failed": "Failed", "kept": "Kept"}
    return "".join(
        f"<button type=button data-filter={key} aria-pressed={'true' if key == 'all' else 'false'}>"
        f"{names[key]} <span class=count>{count:,}</span></button>"
        for key, count in _counts(results).items()
    )


# ---------------------------------------------------------------- the template
def _part(name: str) -> str:
    return (files("depthfx.batch") / name).read_text("utf-8")


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
