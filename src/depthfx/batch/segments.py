"""The journal of a run whose results go to a store, kept there in pieces.

Nothing can be added to an object, so every so many lines become one object more, each put whole.
A machine that knows nothing of the run reads them all and goes on. What was done after the last
piece is not lost: the results are there, and as the first piece claims their names, they may be
written once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from depthfx.batch.store import content, found, join, put_bytes

FOLDER = ".depthfx-batch"
NAME = "journal-{:08d}.jsonl"


class Segments:
    """The pieces below the URL of the results; one run at a time writes them."""

    def __init__(self, out: str) -> None:
        self._folder = join(out, FOLDER)
        self._count: int | None = None

    def lines(self) -> Iterator[str]:
        """All lines that were ever put, in their order. Raises PhotoError."""
        for name in self.names():
            yield from content(join(self._folder, name)).decode().splitlines()

    def append(self, lines: Sequence[str]) -> None:
        """Put `lines` as one piece more. Raises PhotoError; then none of them is there."""
        if self._count is None:
            self._count = len(self.names())
        text = "".join(f"{line.rstrip()}\n" for line in lines)
        put_bytes(text.encode(), join(self._folder, NAME.format(self._count + 1)))
        self._count += 1

    def names(self) -> list[str]:
        """Of the pieces that are there, in their order. Raises PhotoError."""
        entries = found(self._folder, missing_ok=True)
        return sorted(e.name for e in entries if e.name.startswith("journal-"))
