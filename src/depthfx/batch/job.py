"""What is asked of a worker and what it answers: plain values that travel as JSON."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from depthfx.context import Context

SLOT_DIGITS = 20
"""Of SHA-256 in `Job.slot`: 80 bits, no two photos of a million share one."""


@dataclass(frozen=True)
class Settings:
    """What is the same for every photo of a run.

    model, weights, device, quality, commercial_only, memory_limit_gb, faces, compile : see
        `Context`
    cache : folder of the depth cache; None: no depth is kept
    cache_gb : size (10^9 bytes) above which what was used longest ago goes
    checks : whether every result is looked over, see `batch.check`
    pictures : whether small pictures for the contact sheet are made
    """

    model: str = "embedded"
    weights: str | None = None
    device: str = "auto"
    quality: str = "normal"
    commercial_only: bool = False
    memory_limit_gb: float | None = None
    faces: str | None = None
    compile: bool = False
    cache: str | None = None
    cache_gb: float = 20.0
    checks: bool = True
    pictures: bool = True

    def context(self) -> Context:
        """What surrounds the work of one worker, for all its photos."""
        from depthfx.context import Context

        return Context(
            model=self.model,
            weights=None if self.weights is None else Path(self.weights),
            device=self.device,
            quality=self.quality,
            commercial_only=self.commercial_only,
            memory_limit_gb=self.memory_limit_gb,
            faces=None if self.faces is None else Path(self.faces),
            compile=self.compile,
        )


@dataclass(frozen=True)
class Job:
    """One photo's work, all that is to be known of it.

    name : the photo's path below what was named, with "/"; unlike any other of its batch
    source : path or URL of the photo
    version : of a photo in a store, what changes with its content, as far as the store tells
    target : where its picture goes, below the output folder, with "/"
    recipe : its chain of effects as TOML, everything resolved that the look leaves open
    opening : keywords of `depthfx.open`, its paths as text
    saving : keywords of `depthfx.save`
    film : of a film or a folder of its frames, keywords of `batch.clip.run_clip`
    companions : paths or URLs of what else counts for it: mattes, depth, masks
    size_px : its number of pixels as its header says, 0 if unknown; big ones are not worked on
        side by side
    fault : why nothing can be made of it, found before it was opened: it fails with this line
    survey : it is only looked at, see `batch.survey`; nothing is written, and recipe and target
        are empty
    """

    name: str
    source: str
    target: str
    recipe: str
    opening: dict[str, Any] = field(default_factory=dict)
    saving: dict[str, Any] = field(default_factory=dict)
    companions: tuple[str, ...] = ()
    size_px: int = 0
    fault: str = ""
    survey: bool = False
    version: str = ""
    film: dict[str, Any] = field(default_factory=dict)

    @property
    def slot(self) -> str:
        """Name of a folder of its own, the same in every run; any photo's name makes one."""
        name = self.name.encode("utf-8", "surrogateescape")
        return hashlib.sha256(name).hexdigest()[:SLOT_DIGITS]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Job:
        return cls(**{**values, "companions": tuple(values["companions"])})


class Status(StrEnum):
    """How a photo ended."""

    DONE = "done"
    FAILED = "failed"
    KEPT = "kept"  # by an earlier run of the same look; nothing was to be done


@dataclass(frozen=True)
class Written:
    """A file that was written.

    name : below the output folder, with "/"
    size : bytes
    sha256 : of its content; of a folder, of the names and checksums of what it holds
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Finding:
    """Something that a person should look at.

    check : "edges", "focal length", "scale", "banding", "halo", ...
    words : what is the matter, a clause
    value : the figure that says so
    """

    check: str
    words: str
    value: float | None = None


@dataclass(frozen=True)
class Result:
    """What became of one photo.

    error : why it failed, one line that names the file; empty if it did not
    source_sha256 : of the photo's content, with that of its companions
    seconds : time by stage: "read", "depth", "effects", "write"
    facts : depth, focal length, notes and so on, as `depthfx apply --json` says them
    findings : why it needs a hand; empty: it looks right
    pictures : small pictures for the contact sheet, by kind ("before", "depth", "after"): names
        below the report's folder
    attempts : how often it was begun
    worker : which worker did it
    fatal : whether it failed for what no other photo would escape: the disk is full, or gone
    out_of_memory : whether it failed because memory could not be had
    traceback : where it failed, of an error that nobody foresaw; many lines
    """

    name: str
    source: str
    status: Status
    written: tuple[Written, ...] = ()
    error: str = ""
    source_sha256: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    pictures: dict[str, str] = field(default_factory=dict)
    attempts: int = 1
    worker: str = ""
    fatal: bool = False
    out_of_memory: bool = False
    traceback: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Result:
        return cls(
            **{
                **values,
                "status": Status(values["status"]),
                "written": tuple(Written(**entry) for entry in values["written"]),
                "findings": tuple(Finding(**entry) for entry in values["findings"]),
            }
        )
