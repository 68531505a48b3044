"""A 3D photo as one HTML file that asks nobody for anything.

Everything is in the file: the pictures as data addresses, the shaders and the script as they
stand beside this module. The page's own content security policy allows exactly these and no
connection.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from importlib.resources import files
from pathlib import Path

from depthfx.errors import ParameterError
from depthfx.geometry.sheets import Sheets
from depthfx.geometry.stage import Stage
from depthfx.photo.whole import written_whole
from depthfx.viewer.textures import BLOCK, Textures

LONGEST_PX, LEAST_PX, MOST_PX = 1600, 64, 8192
QUALITY = 85


def html_page(
    sheets: Sheets,
    stage: Stage,
    *,
    title: str,
    longest_px: int = LONGEST_PX,
    quality: int = QUALITY,
    sway: bool = True,
) -> str:
    """A whole page that shows the photo of `sheets` in 3D, filling its window or iframe.

    title : name of the photo, for the page's title and for who cannot see it; any text
    longest_px : longest side of the photo in the page, 64 to 8192; it is never enlarged
    quality : of the JPEG pictures, 1 to 100
    sway : whether it moves by itself while nobody moves it

    The pointer at the edge is a camera `stage.step_m` to that side of the photo's, with its lens
    shifted so that `stage.pivot_inverse` stays in place: `Pose(position=(step_m, 0, 0),
    shift=(-step_m * pivot_inverse, 0))`. Where the sheets' margins are too narrow for that, a
    little less than the photo's frame is seen.

    Raises ParameterError if a number is out of its bounds.
    """
    textures = _textures(sheets, stage, longest_px, quality)
    element = _element(textures, title, sway)
    width, height = _size(textures)
    style = _fill(_template("page.css"), width=str(width), height=str(height))
    hashes = [_hash(text) for text in (style, _template("element.css"))]
    policy = (
        f"default-src 'none'; img-src data:; style-src {' '.join(hashes)}; "
        f"script-src {_hash(_template('viewer.js'))}; base-uri 'none'; form-action 'none'"
    )
    return _fill(
        _template("page.html"),
        policy=policy,
        title=html.escape(title),
        page_style=style,
        element=element,
    )


def html_element(
    sheets: Sheets,
    stage: Stage,
    *,
    title: str,
    longest_px: int = LONGEST_PX,
    quality: int = QUALITY,
    sway: bool = True,
) -> str:
    """The photo alone, to paste into a page of one's own; parameters as of `html_page`.

    It is as wide as what it stands in. The script runs once for each such element.
    """
    return _element(_textures(sheets, stage, longest_px, quality), title, sway)


def write(
    path: Path | str,
    sheets: Sheets,
    stage: Stage,
    *,
    title: str,
    longest_px: int = LONGEST_PX,
    quality: int = QUALITY,
    sway: bool = True,
    overwrite: bool = False,
) -> None:
    """Write `html_page` to `path`, whole or not at all.

    Raises ParameterError as it does, PhotoError if the file cannot be written.
    """
    page = html_page(sheets, stage, title=title, longest_px=longest_px, quality=quality, sway=sway)
    with written_whole(path, overwrite=overwrite) as file:
        file.write(page.encode())


def _textures(sheets: Sheets, stage: Stage, longest_px: int, quality: int) -> Textures:
    if not LEAST_PX <= longest_px <= MOST_PX:
        raise ParameterError(
            f"longest_px={longest_px} is not a length of {LEAST_PX} to {MOST_PX} pixels"
        )
    if not 1 <= quality <= 100:
        raise ParameterError(f"quality={quality} is not a JPEG quality of 1 to 100")
    return Textures.of(sheets, stage, longest_px, quality)


def _element(textures: Textures, title: str, sway: bool) -> str:
    width, height = _size(textures)
    return _fill(
        _template("element.html"),
        title=html.escape(title),
        frame=" ".join(f"{number:.6g}" for number in textures.window),
        step=f"{textures.step_px:.6g}",
        pivot=f"{textures.pivot:.6g}",
        codes=str(textures.codes),
        jump=f"{textures.jump:.6g}",
        block=str(BLOCK),
        options="" if sway else "still",
        style=_template("element.css"),
        width=str(width),
        height=str(height),
        poster=_address(textures.poster, "jpeg"),
        textures=_pictures(textures),
        march=_template("march.frag"),
        show=_template("show.frag"),
        script=_template("viewer.js"),
    )


def _size(textures: Textures) -> tuple[int, int]:
    return round(textures.window[2]), round(textures.window[3])


def _pictures(textures: Textures) -> str:
    files = [("colour", "jpeg", file) for file in textures.colours]
    files += [("depth", "webp", file) for file in textures.depths]
    files += [("bounds", "webp", textures.bounds)]
    return "\n".join(
        f'<img class="texture" data-texture="{kind}" alt="" src="{_address(file, suffix)}">'
        for kind, suffix, file in files
    )


def _address(file: bytes, suffix: str) -> str:
    return f"data:image/{suffix};base64,{base64.b64encode(file).decode()}"


def _template(name: str) -> str:
    return files("depthfx.viewer").joinpath(name).read_text("utf-8")


def _fill(template: str, **texts: str) -> str:
    """`template` with each {{name}} replaced; what is put in is not looked at again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: texts[found[1]], template)


def _hash(text: str) -> str:
    """How a content security policy names a script or style (CSP Level 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
