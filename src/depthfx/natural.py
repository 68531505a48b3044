"""Names in the order that people give them."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"(\d+)", re.ASCII)


def natural(name: str) -> tuple[list[list[str | int]], str]:
    """A key that sorts names with "/" as people do: IMG_9 before IMG_10, folder by folder."""
    pieces = [_DIGITS.split(part.casefold()) for part in name.split("/")]
    return [[int(p) if n % 2 else p for n, p in enumerate(part)] for part in pieces], name
