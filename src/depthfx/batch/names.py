"""How results are called: a template with fields, filled for each photo.

    {folder}/{stem}-{effect}     the tree of the photos, their names with the effect's after them
    {date:%Y-%m}/{number:05d}    by month, counted through

`folder`, `stem` and `ext` are the photo's, `effect` the names of the chain's effects, `look` the
recipe's name, `number` the photo's place among all, `date` when it was taken by its EXIF, or the
word undated.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from datetime import datetime
from pathlib import Path, PurePosixPath

from depthfx.batch.beside import fields_of
from depthfx.batch.deliver import JOURNAL, REPORT
from depthfx.effect import nearest
from depthfx.errors import ParameterError

FIELDS = ("folder", "stem", "ext", "effect", "look", "number", "date")
FORMATTED = ("number", "date")
"""Those that take more words after a colon."""
UNDATED = "undated"
EXIF_IFD, ORIGINAL, TAKEN = 0x8769, 0x9003, "%Y:%m:%d %H:%M:%S"
"""Exif 2.32, 4.6.5: DateTimeOriginal."""


class _Undated:
    """Stands where a photo says no date."""

    def __format__(self, how: str) -> str:
        return UNDATED


def check_template(template: str) -> None:
    """Raise ParameterError if `template` is none, or leaves the output folder."""
    for name in fields_in(template):
        if name not in FIELDS:
            raise ParameterError(f"there is no field {{{name}}}{nearest(name, list(FIELDS))}")
    example: dict[str, object] = dict.fromkeys(FIELDS, "x")
    try:
        made = template.format(**{**example, "number": 1, "date": datetime(2000, 1, 1)})
    except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise ParameterError(f"is no template: {error}") from None
    parts = made.split("/")
    if ".." in parts or made.startswith("/") or "\0" in made or "\\" in made:
        raise ParameterError("leads out of the output folder; expected one like {folder}/{stem}")
    if parts[0] in (JOURNAL, REPORT):
        raise ParameterError(f"{parts[0]} is the batch's own folder; choose another name")
    if parts[-1] in ("", "."):
        raise ParameterError("names a folder; expected a file's name, like {folder}/{stem}")


def fields_in(template: str) -> set[str]:
    """The fields that `template` names. Raises ParameterError if it cannot be read."""
    try:
        found = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ParameterError(f"is no template: {error}") from None
    for _, name, how, conversion in found:
        if name is not None and (conversion or (how and name not in FORMATTED)):
            raise ParameterError(f"{{{name}}} takes nothing after its name")
    return {name for _, name, _, _ in found if name is not None}


def filled(
    template: str,
    name: str,
    *,
    effect: str,
    look: str,
    number: int,
    date: Callable[[], datetime | None],
) -> str:
    """The name, below the output folder and without an extension, for the photo called `name`.

    date : asked only if the template needs it
    """
    values: dict[str, object] = {**fields_of(name), "effect": effect, "look": look}
    values["number"] = number
    if "{date" in template:
        values["date"] = date() or _Undated()
    return str(PurePosixPath(template.format(**values)))


def taken(source: str) -> datetime | None:
    """When a photo was taken, by its EXIF; None if nobody says. Only its header is read."""
    from PIL import Image

    from depthfx.batch.store import is_url

    if is_url(source):
        return None
    try:
        with Image.open(Path(source)) as picture:
            return datetime.strptime(str(picture.getexif().get_ifd(EXIF_IFD)[ORIGINAL]), TAKEN)
    except Exception:  # whatever is wrong with the photo, its opening will tell
        return None
