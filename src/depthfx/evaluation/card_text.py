"""The tables of the embedded network's model card as Markdown, from their figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from depthfx.errors import DepthfxError

Values = Mapping[str, float]
Tables = Mapping[str, Mapping[str, Values]]

START, END = "<!-- table: start -->", "<!-- table: end -->"

COLUMNS = {
    "this": "this version",
    "clean": "clean data",
    "first": "first version",
    "trial": "trial",
    "gradient": "vertical gradient",
    "centre": "centre prior",
    "constant": "constant",
    "ellipse": "ellipse in the middle",
    "grabcut": "GrabCut",
}
ROWS = {
    "nyu_rooms": "rooms (NYU)",
    "middlebury_stereo": "still lifes (Middlebury)",
    "people": "people",
    "street_kitti": "streets (KITTI)",
    "synthetic_hospital": "rendered hospital",
    "mean": "mean over sources",
    "kind:person": "persons",
    "kind:people": "groups",
    "kind:animal": "animals",
    "kind:object": "objects",
    "MEAN OVER SOURCES": "mean over sources",
    "all pictures": "animals, people, objects",
}
"""Names of sources and kinds as people read them, in the order of the tables."""


@dataclass(frozen=True)
class Figure:
    """A figure as a table shows it."""

    key: str
    name: str
    digits: int = 3


@dataclass(frozen=True)
class Block:
    """One table: a part of the figures, which of them, of which rows (all where none is named)."""

    heading: str
    part: str
    figures: Sequence[Figure]
    rows: Sequence[str] = ()
    count: str = ""


BLOCKS = (
    Block(
        "Depth up to scale and shift, `rgbd/eval` (its own scorer)",
        "depth",
        (
            Figure("ordinal", "ordinal"),
            Figure("delta1", "delta1"),
            Figure("absrel", "absrel"),
            Figure("edges", "edges"),
            Figure("outline", "outline"),
        ),
        count="images",
    ),
    Block(
        "Subject matte, `subjects/eval` (its own scorer)",
        "mattes",
        (Figure("IoU", "IoU"), Figure("bIoU", "boundary IoU")),
        ("kind:person", "kind:people", "kind:animal", "kind:object", "MEAN OVER SOURCES"),
        count="n",
    ),
    Block(
        "Subject matte against true alpha, `subjects/mattes`, in the unknown region",
        "hair",
        (Figure("SAD-u", "SAD, thousands", 1), Figure("Grad-u", "gradient error", 1)),
        ("all pictures",),
        count="n",
    ),
    Block(
        "Boundary F1 of the refined depth (neighbours; pixels four apart), rendered scenes",
        "outlines",
        (Figure("f1", "F1"), Figure("f1_wide", "F1, four apart")),
    ),
    Block(
        "The same, sources of `rgbd/eval` with crisp truth",
        "depth",
        (Figure("f1", "F1"), Figure("f1_wide", "F1, four apart")),
        count="images",
    ),
    Block(
        "Horizontal field of view, by the median; a guess of 28 mm beside it",
        "depth",
        (
            Figure("view_deg", "off by, degrees", 1),
            Figure("guess_deg", "28 mm off by, degrees", 1),
            Figure("view_focal", "focal length off by, share", 2),
            Figure("view_kept", "within the stated error, share", 2),
        ),
        count="images",
    ),
    Block(
        "Metres, focal length told: predicted over true distance (median of photos), and the "
        "share by which two photos in three are off at most",
        "depth",
        (Figure("metres", "ratio", 2), Figure("metres_off", "off by", 2)),
        count="images",
    ),
)


def card_text(columns: Mapping[str, Tables]) -> str:
    """Markdown tables of all figures, a column for each set of weights or baseline.

    columns : figures by column, part and row; columns and rows that have none are left out
    """
    tables = (_table(block, columns) for block in BLOCKS)
    return "\n\n".join(table for table in tables if table) + "\n"


def _table(block: Block, columns: Mapping[str, Tables]) -> str:
    lines = list(_lines(block, columns))
    told = [i for i, name in enumerate(columns) if any(cells[i] for _, _, cells in lines)]
    if not told:
        return ""
    names = [COLUMNS.get(list(columns)[i], list(columns)[i]) for i in told]
    head = ["", "", *names]
    rows = [[row, figure, *(cells[i] for i in told)] for row, figure, cells in lines]
    rule = ["---"] * len(head)
    return "\n".join([f"{block.heading}:", "", *map(_joined, (head, rule, *rows))])


def _lines(block: Block, columns: Mapping[str, Tables]) -> Iterator[tuple[str, str, list[str]]]:
    """Row, figure and a cell for each column; the row is named in its first line only."""
    parts = [tables.get(block.part, {}) for tables in columns.values()]
    found = {name for part in parts for name in part}
    known = [name for name in ROWS if name in found]
    # Rendered scenes have their own names; the mean comes last.
    rows = block.rows or sorted(found - set(known)) + known
    for row in rows:
        title = _title(row, block, parts)
        for figure in block.figures:
            values = [part.get(row, {}).get(figure.key) for part in parts]
            cells = ["" if value is None else f"{value:.{figure.digits}f}" for value in values]
            if any(cells):
                yield title, figure.name, cells
                title = ""


def _title(row: str, block: Block, parts: Sequence[Mapping[str, Values]]) -> str:
    counts = [part[row][block.count] for part in parts if block.count in part.get(row, {})]
    name = ROWS.get(row, row)
    return f"{name}, {counts[0]:.0f}" if counts else name


def _joined(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def replace_marked(page: str, text: str) -> str:
    """`page` with `text` between its two markers; raises DepthfxError if it lacks them."""
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise DepthfxError(f"the model card needs the lines {START} and {END} around its tables")
    return f"{before}{START}\n{text}{END}{after}"
