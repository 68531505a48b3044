"""The look of a whole shoot: a recipe that also says how files are written and what is locked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from depthfx.batch.job import Job
from depthfx.batch.photos import Item
from depthfx.chain import Chain
from depthfx.recipe import read_recipe, to_toml


@dataclass(frozen=True)
class Look:
    """A chain, and what a batch needs besides."""

    chain: Chain
    name: str = "look"

    @classmethod
    def of(cls, recipe: Look | Chain | Path | str) -> Look:
        if isinstance(recipe, Look):
            return recipe
        if isinstance(recipe, Chain):
            return cls(recipe)
        return cls(read_recipe(Path(recipe)), Path(recipe).stem)

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides what becomes of a photo."""
        return hashlib.sha256(to_toml(self.chain).encode()).hexdigest()

    def job(self, item: Item) -> Job:
        """The work on one photo."""
        target = PurePosixPath(item.name).with_suffix(".jpg")
        return Job(item.name, item.source, str(target), to_toml(self.chain))
