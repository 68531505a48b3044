"""Patterns for names of photos, as .gitignore has them.

    *.jpg        at any depth; * and ? stand for anything but "/", [a-f], [!a] for a character
    ceremony/*   with a "/" in it: from the top; */x is one folder deeper, **/x any number
    rejects/     a folder, with all that is in it; without the last "/" a file as well

Upper and lower case are the same, as cameras write .JPG and people .jpg.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from depthfx.errors import ParameterError

Test = Callable[[str], bool]
"""Whether a name, with "/" between its folders, is meant."""

MAGIC = re.compile(r"[*?\[]")
"""What makes a text a pattern."""
_TOKEN = re.compile(r"\*+|\?|\[!?\]?[^\]]*\]|[^*?\[]+|\[")


def any_of(patterns: Iterable[str]) -> Test:
    """Whether a name fits one of `patterns`; a folder's name fits as what is in it does.

    Raises ParameterError for a pattern that fits nothing.
    """
    tests = [_compiled(pattern) for pattern in patterns]
    return lambda name: any(test.match(name) for test in tests)


def below(pattern: str) -> Test:
    """Whether a name fits `pattern`, taken from the top even without a "/" in it."""
    return any_of(["/" + pattern])


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(_expression(pattern), re.IGNORECASE | re.DOTALL)
    except re.error as error:  # [z-a]
        raise ParameterError(f"{pattern!r} is no pattern: {error}") from None


def _expression(pattern: str) -> str:
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise ParameterError(f"{pattern!r} fits no photo; a pattern is like *.jpg or day1/**/*.tif")
    body, inner = "", pattern.rstrip("/")
    if "/" not in inner:
        body = "(?:.*/)?"
    for part in parts:
        # "a/**" is all in a, "**/a" is a at any depth.
        body += "(?:.*/)?" if part == "**" else _part(part) + "/"
    if parts[-1] == "**":
        return body.removesuffix("(?:.*/)?") + r".+\Z"
    return body.removesuffix("/") + (r"/.*\Z" if pattern.endswith("/") else r"(?:/.*)?\Z")


def _part(part: str) -> str:
    return "".join(_token(token) for token in _TOKEN.findall(part))


def _token(token: str) -> str:
    if token[0] == "*":
        return "[^/]*"
    if token == "?":
        return "[^/]"
    if token[0] != "[" or token == "[":
        return re.escape(token)
    inside = token[1:-1]
    other = inside.startswith("!")
    inside = inside.removeprefix("!")
    # Only "-" keeps its meaning in a class.
    escaped = re.sub(r"([\\\]\[^&~|])", r"\\\1", inside).replace("--", r"\-")
    return f"(?!/)[{'^' if other else ''}{escaped}]"
