"""What lies beside photos and belongs to them: raw and JPEG of one shot, mattes, depth, overrides.

    IMG_1.CR3  IMG_1.JPG                        one shot
    IMG_1.matte.png  IMG_1-mask.tif             which part of IMG_1 is the subject
    IMG_1.depth.exr  IMG_1-depth.png            its depth; IMG_1_depth.jpg too
    IMG_1.depthfx.toml                          how it is treated otherwise than its batch
    IMG_1-portrait.jpg                          what depthfx has made of it

A name may also begin with all of the photo's, as IMG_1.CR3.matte.png. Upper and lower case are the
same. Without their photo such files are photos like any other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from depthfx.batch.walk import Asked, File
from depthfx.errors import ParameterError
from depthfx.photo.encode import RAW, WRITTEN, WRITTEN_AS
from depthfx.registry import effect_names

PHOTOS = frozenset((*WRITTEN, *WRITTEN_AS, ".jfif", ".jif", ".jfi", ".mpo", ".dib", ".apng"))
"""Extensions of photos, in lower case; content decides what they really are."""
RAWS = frozenset(f".{name}" for name in RAW.split())
OF_A_CAMERA = frozenset((".jpg", ".jpeg", ".jpe", ".heic", ".heif", ".hif"))
"""What cameras write beside a raw file."""
OVERRIDES = ".depthfx.toml"

PAIRS = ("raw", "jpeg", "both")

SIDECARS = {
    "matte": (".png", ".tif", ".tiff", ".webp", ".bmp", ".jpg", ".jpeg"),
    "depth": (".npy", ".npz", ".exr", ".pfm", ".tif", ".tiff", ".png"),
}
"""What they may be, the best first: the first that is there is used."""
_SIDECAR = re.compile(r"(?s:(.+))[._-](matte|mask|depth)\Z", re.IGNORECASE)
_KINDS = {"matte": "matte", "mask": "matte", "depth": "depth"}
_FACEBOOK = "_depth.jpg"
_EMBEDDED = ("-depth.jpg", "-depth.jpeg", "-depth.heic")
"""`depthfx depth --embed` writes the photo once more, its depth inside."""
LOOKED_AT_BYTES = 1 << 20
"""At both ends of a file, for what depthfx has written there of itself."""
STAMP = b"depthfx"
COLOURED = "picture of depth in colours"
"""What `engine.colour_export` says of what it makes."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A photo, and by kind the sources of what belongs to it."""

    file: File
    companions: dict[str, str]


def suffix_of(name: str) -> str:
    """ ".jpg", in lower case, or an empty string."""
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if dot and stem and "/" not in suffix else ""


def stem_of(name: str) -> str:
    """The last part of `name` without its extension."""
    last = name.rpartition("/")[2]
    stem, dot, _ = last.rpartition(".")
    return stem if dot and stem else last


def shots(files: Iterable[File], films: frozenset[str], pairs: str) -> list[Shot]:
    """The photos among `files`, each with what lies beside it.

    films : extensions of films, which are taken where somebody has named or chosen them
    pairs : one of `PAIRS`: which of raw and JPEG of one shot is the photo
    """
    if pairs not in PAIRS:
        raise ParameterError(f"pairs={pairs!r} is none of {', '.join(PAIRS)}")
    folders: dict[str, list[File]] = {}
    for file in files:
        folders.setdefault(file.name.rpartition("/")[0], []).append(file)
    return [shot for inside in folders.values() for shot in _in_folder(inside, films, pairs)]


def _in_folder(files: Sequence[File], films: frozenset[str], pairs: str) -> list[Shot]:
    """The same of one folder."""
    all_photos = [file for file in files if _is_photo(file)]
    known = {stem_of(file.name).casefold() for file in all_photos}
    known |= {_last(file).casefold() for file in all_photos}
    taken: set[str] = set()
    beside: dict[str, dict[str, File]] = {}
    for file in files:
        kind, base = _belongs(file)
        if kind and base in known and not file.fault:
            taken.add(file.name)
            if kind != "depth" or _is_depth(file):
                _keep_best(beside.setdefault(base, {}), kind, file)
    asked = [file for file in files if file.asked and file.name not in taken]
    photos = [file for file in asked if _is_photo(file) and not _is_ours(file, known)]
    shown, partners = _paired(photos, pairs)
    # A file that somebody named is tried whatever it is: why it is no photo is then said.
    least = dict.fromkeys(films, Asked.CHOSEN)
    others = [
        file
        for file in asked
        if file.fault
        or (
            file.asked >= least.get(suffix_of(file.name), Asked.NAMED)
            and not _is_photo(file)
            and not _is_with(_last(file).casefold(), known)
        )
    ]
    found = []
    for file in (*shown, *others):
        names = (stem_of(file.name).casefold(), _last(file).casefold())
        own = {kind: f for name in names for kind, f in beside.get(name, {}).items()}
        companions = {kind: f.source for kind, f in sorted(own.items())}
        found.append(Shot(file, {**companions, **partners.get(file.name, {})}))
    return found


def _is_photo(file: File) -> bool:
    return not file.fault and suffix_of(file.name) in PHOTOS


def _is_with(last: str, known: set[str]) -> bool:
    """Whether it is called as a photo with another ending: IMG_1.xmp, IMG_1.MOV, IMG_1.jpg.xmp."""
    return any(last[:end] in known for end, letter in enumerate(last) if letter == ".")


def _last(file: File) -> str:
    return file.name.rpartition("/")[2]


def _belongs(file: File) -> tuple[str, str]:
    """The kind of sidecar that a file is by its name, and the name of its photo, case folded."""
    last = _last(file).casefold()
    if last.endswith(OVERRIDES):
        return "overrides", last.removesuffix(OVERRIDES)
    match = _SIDECAR.match(stem_of(last))
    if match is None:
        return "", ""
    kind = _KINDS[match[2]]
    fits = suffix_of(last) in SIDECARS[kind] or last.endswith(_FACEBOOK)
    return (kind, match[1]) if fits else ("", "")


def _is_depth(file: File) -> bool:
    """Whether a map holds depth, and is no picture of it: what depthfx writes says so beside it."""
    try:
        with open(f"{file.source}.json", encoding="utf-8") as said:  # noqa: PTH123 - as below
            return COLOURED not in said.read(LOOKED_AT_BYTES)
    except (OSError, ValueError):
        return True


def _keep_best(kept: dict[str, File], kind: str, file: File) -> None:
    def rank(one: File) -> tuple[int, str]:
        suffixes = SIDECARS.get(kind, ())
        suffix = suffix_of(one.name)
        return (suffixes.index(suffix) if suffix in suffixes else len(suffixes), one.name)

    kept[kind] = min(file, kept.get(kind, file), key=rank)


@cache
def _made() -> re.Pattern[str]:
    """Names that `depthfx EFFECT` and `depthfx apply` give to what they write beside a photo."""
    one = "|".join(re.escape(name) for name in effect_names())
    return re.compile(rf"(?s:(.+?))-(?:{one})(?:-(?:{one}))*\Z")


def _is_ours(photo: File, known: set[str]) -> bool:
    """Whether a photo is what depthfx has made of another one, by its name and by its content."""
    if photo.asked is Asked.NAMED:
        return False
    last = _last(photo).casefold()
    match = _made().match(stem_of(last))
    base = match[1] if match else ""
    if last.endswith(_EMBEDDED):
        base = stem_of(last).removesuffix("-depth")
    return base in known and _has_stamp(photo.source)


def _has_stamp(source: str) -> bool:
    try:
        with open(source, "rb") as file:  # noqa: PTH123 - a URL is no path, and is not found
            head = file.read(LOOKED_AT_BYTES)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - LOOKED_AT_BYTES))
            return STAMP in head or STAMP in file.read()
    except OSError:
        return False


def _paired(photos: Sequence[File], pairs: str) -> tuple[list[File], dict[str, dict[str, str]]]:
    """The photos of one folder that stay, and the other half of each shot that has two."""
    if pairs == "both":
        return list(photos), {}
    raws: dict[str, File] = {}
    jpegs: dict[str, File] = {}
    for photo in sorted(photos, key=lambda photo: photo.name):
        suffix = suffix_of(photo.name)
        half = raws if suffix in RAWS else jpegs if suffix in OF_A_CAMERA else None
        if half is not None:
            half.setdefault(stem_of(photo.name).casefold(), photo)
    kept, lost, kind = (raws, jpegs, "jpeg") if pairs == "raw" else (jpegs, raws, "raw")
    both = kept.keys() & lost.keys()
    gone = {lost[stem].name for stem in both}
    partners = {kept[stem].name: {kind: lost[stem].source} for stem in both}
    return [photo for photo in photos if photo.name not in gone], partners


def fields_of(name: str) -> Mapping[str, str]:
    """What a template may say of a photo called `name`: folder, stem, ext (lower case, no dot)."""
    return {
        "folder": name.rpartition("/")[0] or ".",
        "stem": stem_of(name),
        "ext": suffix_of(name)[1:],
    }
