"""`measure`: distances and sizes in a photo, with how far they can be believed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from depthfx.cli.options import Common, checked, common_options
from depthfx.cli.progress import progress_bar
from depthfx.engine.known import Place, length_m, metres_words, place, place_words
from depthfx.errors import ParameterError
from depthfx.facts import json_line

if TYPE_CHECKING:
    from depthfx.camera import Camera
    from depthfx.geometry.measure import Likely, Size, Spot
    from depthfx.scene import Scene

Facts = dict[str, object]


@dataclass(frozen=True)
class Found:
    """One measure: as a line, for programs, and what is drawn of it: (start, end, text)."""

    words: str
    facts: Facts
    drawn: list[tuple[Place, Place, str]]


def box(text: str) -> tuple[Place, Place]:
    """From "0.2,0.3,0.5,0.8": two opposite corners."""
    parts = text.split(",")
    try:
        start, end = place(",".join(parts[:2])), place(",".join(parts[2:]))
    except ParameterError:
        raise ParameterError(
            f"{text!r} is not a box X0,Y0,X1,Y1 as shares of width and height, like 0.2,0.3,0.5,0.8"
        ) from None
    return start, end


@click.command()
@click.argument("photo", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "starts",
    metavar="X,Y",
    multiple=True,
    callback=checked(place),
    help="Measure from this place (shares of width and height); may be given several times.",
)
@click.option(
    "--to",
    "ends",
    metavar="X,Y",
    multiple=True,
    callback=checked(place),
    help="To this place; as often as --from, in the same order.",
)
@click.option(
    "--size-at",
    metavar="X,Y",
    multiple=True,
    callback=checked(place),
    help="Measure the width and height of the thing at this place.",
)
@click.option(
    "--size",
    "boxes",
    metavar="X0,Y0,X1,Y1",
    multiple=True,
    callback=checked(box),
    help="Measure what fills this box, at the --distance given: no depth is needed.",
)
@click.option("--distance", metavar="LENGTH", help="How far away that is, like 3m or 80cm.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="Also write the photo with what was measured drawn on it, into this file.",
)
@common_options
def measure(
    photo: Path,
    starts: tuple[str, ...],
    ends: tuple[str, ...],
    size_at: tuple[str, ...],
    boxes: tuple[str, ...],
    distance: str | None,
    out: Path | None,
    common: Common,
) -> None:
    """Measure distances and sizes in a photo.

    What is known sets the scale: --scale-at X,Y=2.5m, or --length X,Y:X,Y=1.75m.
    """
    _check(starts, ends, size_at, boxes, distance)
    if out is None:
        _refuse_unread(common)
    else:
        _check_out(photo, out, common)
    with progress_bar(common.quiet or common.json) as progress:
        scene = common.open(photo, replace(common.context(), progress=progress))
        pairs = [(place(a), place(b)) for a, b in zip(starts, ends, strict=True)]
        places = [place(text) for text in size_at]
        found = [*_lengths(scene, pairs), *_sizes(scene, places)]
        if distance is not None:
            found += _boxes(scene, [box(text) for text in boxes], length_m(distance))
    written: Facts = {}
    if out is not None:
        _draw(scene, found, out, common)
        written["written"] = [str(out)]
    grounds = _grounds(scene, needs_depth=bool(pairs or places))
    if common.json:
        print(
            json_line(
                {"file": str(photo), **grounds, "measured": [one.facts for one in found], **written}
            )
        )
        return
    why = _grounds_words(scene, needs_depth=bool(pairs or places))
    for one in found:
        print(f"{one.words}  ({why})")


def _check(
    starts: tuple[str, ...],
    ends: tuple[str, ...],
    size_at: tuple[str, ...],
    boxes: tuple[str, ...],
    distance: str | None,
) -> None:
    """Raise ParameterError for options that do not make a question."""
    if len(starts) != len(ends):
        raise ParameterError(
            f"--from is given {len(starts)} times and --to {len(ends)} times: a distance has two "
            "ends, like --from 0.2,0.5 --to 0.6,0.5"
        )
    if not (starts or size_at or boxes):
        raise ParameterError(
            "nothing to measure: give --from X,Y --to X,Y, --size-at X,Y, or "
            "--size X0,Y0,X1,Y1 --distance 3m"
        )
    for start, end in zip(starts, ends, strict=True):
        if place(start) == place(end):
            raise ParameterError(f"--from and --to are both {start}: name two places")
    if bool(boxes) != (distance is not None):
        raise ParameterError("--size and --distance belong together: --size-at needs no distance")
    if distance is not None:
        length_m(distance)


def _refuse_unread(common: Common) -> None:
    """Raise ParameterError for shared options of files, since none is written."""
    unread = {
        "--profile": common.profile,
        "--bit-depth": common.bit_depth,
        "--jpeg-quality": common.jpeg_quality,
        "--strip-location": common.strip_location or None,
    }
    for name, given in unread.items():
        if given is not None:
            raise ParameterError(f"measure writes no file without -o; leave out {name}")


def _check_out(photo: Path, out: Path, common: Common) -> None:
    """Raise before any work is done if the picture could not be written."""
    from depthfx.photo.write import check_output

    check_output(
        out,
        overwrite=common.overwrite,
        source=photo,
        bit_depth=common.bit_depth,
        profile=common.profile,
    )


def _draw(scene: Scene, found: list[Found], out: Path, common: Common) -> None:
    """Write the photo with dimension lines."""
    from depthfx.files import save
    from depthfx.raster.dimensions import Dimension, with_dimensions

    lines = [Dimension(*drawn) for one in found for drawn in one.drawn]
    pixels = with_dimensions(scene.photo.pixels, lines)
    save(scene.with_pixels(pixels).with_history("measure"), out, **common.saving())


def _sides(size: Size) -> list[tuple[Place, Place, str]]:
    """The width below the thing, the height to its right."""
    (x0, y0), (x1, y1) = size.box
    left, right, top, bottom = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    return [
        ((left, bottom), (right, bottom), metres_words(size.width.value)),
        ((right, top), (right, bottom), metres_words(size.height.value)),
    ]


def _lengths(scene: Scene, pairs: list[tuple[Place, Place]]) -> list[Found]:
    if not pairs:
        return []
    from depthfx.geometry.measure import angle_deg, between, distance_to, spot_at

    depth, camera = scene.depth, scene.camera
    found = []
    for pair in pairs:
        start, end = (spot_at(depth, where) for where in pair)
        length, angle = between(depth, camera, start, end), angle_deg(camera, *pair)
        away = [distance_to(depth, camera, spot) for spot in (start, end)]
        name = f"{place_words(pair[0])} to {place_words(pair[1])}: "
        words = (
            f"{name if len(pairs) > 1 else ''}{likely_words(length)}; "
            f"{metres_words(away[0].value)} and {metres_words(away[1].value)} away, "
            f"{angle:.3g} deg apart{_outline_words(start, end)}"
        )
        facts: Facts = {
            "from": list(pair[0]),
            "to": list(pair[1]),
            **_likely_facts("metres", length),
            "distances_m": [round(one.value, 4) for one in away],
            "angle_deg": round(angle, 3),
            "beside_outline": [start.in_front, end.in_front],
        }
        found.append(Found(words, facts, [(*pair, metres_words(length.value))]))
    return found


def _sizes(scene: Scene, places: list[Place]) -> list[Found]:
    if not places:
        return []
    from depthfx.geometry.measure import size_of, spot_at

    depth, camera = scene.depth, scene.camera
    found = []
    for where in places:
        spot_at(depth, where)
        size = size_of(depth, camera, scene.with_subject_at(*where).matte)
        name = f"{place_words(where)}: " if len(places) > 1 else ""
        words = f"{name}{_size_words(size)}, {metres_words(size.distance.value)} away"
        words += "; it reaches the photo's rim, and may go on" if size.cut else ""
        facts: Facts = {"at": list(where), **_size_facts(size), "cut": size.cut}
        found.append(Found(words, facts, _sides(size)))
    return found


def _boxes(scene: Scene, boxes: list[tuple[Place, Place]], distance_m: float) -> list[Found]:
    from depthfx.camera import FocalOrigin
    from depthfx.geometry.measure import focal_error, size_at_distance

    camera, share, found = scene.camera, None, []
    if camera.origin is FocalOrigin.NETWORK:
        share = focal_error(scene.depth, camera)
    for start, end in boxes:
        size = size_at_distance(camera, start, end, distance_m, share)
        name = f"{place_words(start)},{place_words(end)}: " if len(boxes) > 1 else ""
        words = f"{name}{_size_words(size)} at {metres_words(distance_m)}"
        found.append(Found(words, {"box": [*start, *end], **_size_facts(size)}, _sides(size)))
    return found


def _outline_words(start: Spot, end: Spot) -> str:
    beside = [name for name, spot in (("start", start), ("end", end)) if spot.in_front]
    if not beside:
        return ""
    which = "both ends are" if len(beside) == 2 else f"the {beside[0]} is"
    return f"; {which} beside an outline: taken on the thing in front"


def likely_words(length: Likely) -> str:
    """ "1.74 m, likely 1.6 to 1.9 m" """
    words = metres_words(length.value)
    spread = (length.high - length.low) / max(length.value, 1e-12)
    if spread == 0:
        return words
    digits = 3 if spread < 0.1 else 2
    low, high = (float(f"{end:.{digits}g}") for end in (length.low, length.high))
    return f"{words}, likely {low:g} to {high:g} m"


def _size_words(size: Size) -> str:
    return f"{likely_words(size.width)} wide; {likely_words(size.height)} high"


def _likely_facts(name: str, length: Likely) -> Facts:
    return {
        name: round(length.value, 4),
        f"likely_{'m' if name == 'metres' else name}": [
            round(length.low, 4),
            round(length.high, 4),
        ],
    }


def _size_facts(size: Size) -> Facts:
    return {
        **_likely_facts("width_m", size.width),
        **_likely_facts("height_m", size.height),
        **_likely_facts("distance_m", size.distance),
    }


def _grounds(scene: Scene, *, needs_depth: bool) -> Facts:
    """What the measures rest on, for programs."""
    from depthfx.geometry.measure import focal_error, scale_error

    camera = scene.camera
    facts: Facts = {"focal_px": round(camera.focal_px, 2), "focal_origin": str(camera.origin)}
    if needs_depth:
        depth = scene.depth
        facts |= {
            "depth": depth.origin,
            "focal_uncertainty": round(focal_error(depth, camera), 4),
            "scale_uncertainty": round(scale_error(depth), 4),
            "follows_focal": depth.scale_error is None,
            "stamp": dict(depth.stamp),
        }
    return facts


def _grounds_words(scene: Scene, *, needs_depth: bool) -> str:
    from depthfx.geometry.measure import focal_error, scale_error

    camera: Camera = scene.camera
    lens = f"focal length {camera.focal_px:.0f} px from {camera.origin}"
    if not needs_depth:
        return lens
    depth = scene.depth
    lens += f" within {focal_error(depth, camera):.0%}"
    if depth.scale_error is not None:
        scale = f", metres within {scale_error(depth):.0%}" if scale_error(depth) else ""
    elif depth.model_error is not None:
        scale = f", the model's metres within {scale_error(depth):.0%}"
    else:
        scale = ", the model's own error not counted"
    return f"{depth.origin}; {lens}{scale}"
