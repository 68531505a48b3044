"""The depth map among what stands after the picture of a JPEG, by the list in its XMP.

Items stand one after the other from the end of the photo's own picture, which is the first of
the list, with a length of 0 or none. Dynamic Depth names its item by a URI; newer containers
say what each is for, so that a gain map is not taken for depth. They count padding apart from
the length, the old format within it: what stands there shows which.

"Dynamic Depth" 1.0, Container; "Ultra HDR image format" and "Motion Photo format" 1.x
(developer.android.com) for the newer one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from depthfx.errors import PhotoError
from depthfx.photo.phone.gdepth import simple_properties
from depthfx.photo.phone.jpeg_parts import end_of_picture
from depthfx.photo.phone.payload import PICTURES

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

CONTAINERS = (
    "http://ns.google.com/photos/dd/1.0/container/",
    "http://ns.google.com/photos/1.0/container/",
)
ITEMS = (
    "http://ns.google.com/photos/dd/1.0/item/",
    "http://ns.google.com/photos/1.0/container/item/",
)
MOST_ITEMS = 64


@dataclass(frozen=True)
class Item:
    """A picture after the photo's own.

    length : its bytes; offsets : where it may begin after the photo's own picture
    from_end : or else, counted from the end of the file
    """

    length: int
    offsets: tuple[int, ...]
    from_end: int

    def payload(self, path: Path) -> bytes:
        """Its bytes in the file `path`. Raises PhotoError if the file has no picture there."""
        data = path.read_bytes()
        begin = end_of_picture(data)
        starts = [] if begin is None else [begin + offset for offset in self.offsets]
        for start in (*starts, len(data) - self.from_end):
            if start > 0 and data.startswith(PICTURES, start) and start + self.length <= len(data):
                return data[start : start + self.length]
        raise PhotoError("does not stand where its container says")


def depth_item(trees: Sequence[Element], uri: str | None) -> Item | None:
    """The item of the depth map: the one of this URI, else the one that is meant for depth.

    Raises PhotoError if a length in the container is none.
    """
    for listed in _containers(trees):
        index = _index_of_depth(listed, uri)
        if index is not None:
            lengths = [_bytes(each, "Length") for each in listed]
            paddings = [_bytes(each, "Padding") for each in listed]
            # Of the photo's own picture the length, if it is said, is not counted.
            lengths[0] = lengths[0] if index == 0 else 0
            within = paddings[0] + sum(lengths[:index]) if index else 0
            apart = within + sum(paddings[1:index])
            from_end = sum(lengths[index:])
            return Item(lengths[index], tuple(dict.fromkeys((apart, within))), from_end)
    return None


def _index_of_depth(listed: list[dict[str, str]], uri: str | None) -> int | None:
    named = [i for i, item in enumerate(listed) if uri is not None and item.get("DataURI") == uri]
    meant = [i for i, item in enumerate(listed) if item.get("Semantic") == "Depth"]
    return next(iter(named + meant), None)


def _containers(trees: Sequence[Element]) -> Iterator[list[dict[str, str]]]:
    """Every container's items, as texts by name."""
    from depthfx.photo.xmp import items

    for tree in trees:
        for space in CONTAINERS:
            listed = items(tree, f"{{{space}}}Directory")
            if 0 < len(listed) <= MOST_ITEMS:
                yield [simple_properties(each, ITEMS) for each in listed]


def _bytes(item: dict[str, str], name: str) -> int:
    text = item.get(name, "0")
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        raise PhotoError(f"the depth in it has {name} {text[:40]!r} in its container: not used")
    return int(text)
