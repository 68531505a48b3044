"""What lies where you say, as a mask for other programs.

White is chosen, black is not, and a pixel that shows both, as of hair, is grey. It fits the
photo as it is seen upright, unless `stored` turns it back. How to say where, and how darktable,
GIMP, Photoshop and others take a mask: docs/masks.md. Belongs last in a chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from depthfx import Channel, Context, Effect, Param, Scene
from depthfx.effect import WhereText
from depthfx.errors import ParameterError

if TYPE_CHECKING:
    from pathlib import Path


class Mask(Effect):
    """Write a mask of what lies at a distance, of the subject, the sky or a thing."""

    name: ClassVar[str] = "mask"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH, Channel.MATTE})
    applies_where: ClassVar[bool] = True

    where: WhereText = Param(
        None, help="what is white, as 2m..5m, sky, not subject and ..30%; none: the subject"
    )
    invert: bool = Param(False, help="white becomes black")
    soft: float = Param(
        0.1,
        ge=0,
        le=2,
        unit="share of the distance",
        help="width of the fade at the ends of ranges that say none",
    )
    as_: Literal["grey", "alpha"] = Param(
        "grey", help="the mask alone, or the photo with the mask as its alpha channel"
    )

    stored: bool = Param(
        False, help="turned as the photo's file holds its pixels, for darktable, not upright"
    )

    @property
    def endings(self) -> tuple[str, ...]:
        from depthfx.export.mask_file import ALPHA, GREY

        return GREY if self.as_ == "grey" else ALPHA

    @property
    def ends_chain(self) -> bool:
        return self.as_ == "grey"

    def for_path(self, path: Path) -> Effect:
        if self.stored and self.as_ == "alpha":
            raise ParameterError(
                f"{self.name}: stored is for a mask alone; a photo with alpha is written upright"
            )
        return self

    def apply(self, scene: Scene, context: Context) -> Scene:
        from dataclasses import replace

        from depthfx.export.mask_file import as_stored, with_alpha, write_grey
        from depthfx.product import Product
        from depthfx.where.limit import share_words
        from depthfx.where.parse import parse
        from depthfx.where.region import region

        words = self.where or "subject"
        share = region(parse(words), scene, self.soft)
        if self.invert:
            share, words = 1 - share, f"all but {words}"
        context.report("mask", 1.0)
        part = float(share.mean())
        told = scene.with_note(
            f"mask of {words}: {share_words(part)}",
            mask={"where": self.where or "subject", "invert": self.invert, "share": round(part, 4)},
        )
        if self.as_ == "alpha":
            return replace(told, photo=with_alpha(told.photo, share))

        if self.stored:
            share = as_stored(share, scene.photo.metadata.orientation)

        def write(_final: Scene, path: Path) -> None:
            write_grey(share, path)

        return told.with_product(Product("mask.png", write, self.endings))
