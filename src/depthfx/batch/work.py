"""The work on one photo, in stages that do not know of each other: read, depth, effects, write.

`batch.pipeline` lets the stages of several photos overlap; `batch.workers` and `batch.on_ray` run
it in processes of their own.
"""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from depthfx.batch.job import Job, Result, Settings, Status
from depthfx.batch.room import give_back, grown_px
from depthfx.chain import Chain
from depthfx.context import Context, Progress, silent
from depthfx.errors import DepthfxError, lacks_memory, reason
from depthfx.scene import Channel, Scene

if TYPE_CHECKING:
    from depthfx.files import Saving

MEGA = 1e6
TOGETHER = 4
"""Photos that a network on a graphics card sees at once."""


@dataclass
class Underway:
    """A photo on its way through the stages.

    job : as it was asked for
    folder : its own one in `Bench.staging`
    here : the job with all its files on this machine
    scene : as it was opened; None: not yet, or it is a film
    made : what the chain made of it; None: nothing yet
    result : what is known of its result so far
    """

    job: Job
    folder: Path
    here: Job
    result: Result
    chain: Chain = field(default_factory=Chain)
    scene: Scene | None = None
    made: Scene | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the time of the block as the stage's."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            spent = self.seconds.get(stage, 0.0) + time.perf_counter() - begun
            self.seconds[stage] = round(spent, 3)


class Bench:
    """A place to work at: one process's context, its network loaded once, for many photos.

    staging : where a folder for each photo is made, `Job.slot`, in which the files of its result
        lie under their names below the output folder
    store : URL of the output folder, if it is one: there each result is put when it is whole
    progress : see `Context`

    Stages raise whatever goes wrong; `failed` makes a result of that, and `do` never raises.
    """

    def __init__(
        self,
        settings: Settings,
        staging: Path,
        store: str | None = None,
        progress: Progress = silent,
    ) -> None:
        from depthfx.batch.cache import DepthCache

        self.settings, self.staging, self.store = settings, staging, store
        self._heard: list[str] = []
        self._cache = (
            DepthCache(settings.cache, settings.cache_gb, self._heard.append)
            if settings.cache is not None
            else None
        )
        self.context: Context = replace(settings.context(), store=self._cache, progress=progress)
        self._rehearsed, self._grown_px = False, 0

    def do(self, job: Job) -> Result:
        """All stages of one photo, one after the other; a failure is part of the result."""
        underway = self.begun(job)
        try:
            self.make_room(job)
            self.read(underway)
            self.depth(underway)
            self.effects(underway)
            return self.write(underway)
        except BaseException as error:
            return self.failed(underway, error)

    def begun(self, job: Job) -> Underway:
        """The photo at the start of its way."""
        result = Result(job.name, job.source, Status.DONE)
        return Underway(job, self.staging / job.slot, job, result)

    @cached_property
    def at_once(self) -> int:
        """How many photos the network gains by seeing together."""
        if self.context.model.startswith("embedded"):
            return 1
        from depthfx.engine.device import torch_device

        try:
            return 1 if torch_device(self.context.device).type == "cpu" else TOGETHER
        except (DepthfxError, ImportError):  # no torch, no such device: said where it is needed
            return 1

    def look_ahead(self, many: Sequence[Underway]) -> None:
        """Let the network see the photos together, as far as their depth will be asked of it."""
        from depthfx.engine.find import look_together

        scenes = [each.scene for each in many if each.scene is not None]
        photos = [scene.photo for scene in scenes if not scene.channels.depth_given]
        with suppress(Exception):  # each is looked at by itself then, and fails by itself
            look_together(photos, self.context)

    def make_room(self, job: Job) -> None:
        """Give back to the system what a much larger photo than this has needed; cheap."""
        before, self._grown_px = self._grown_px, grown_px(self._grown_px, job)
        if self._grown_px < before:
            give_back()

    def read(self, underway: Underway) -> None:
        """Open the photo; its depth is not found yet."""
        from depthfx.batch.carry import brought
        from depthfx.batch.deliver import content_sha256
        from depthfx.files import open as opened
        from depthfx.recipe import from_toml

        job = underway.job
        if job.fault:
            raise DepthfxError(job.fault)
        with underway.timed("read"):
            _emptied(underway.folder)
            underway.chain = from_toml(job.recipe, job.name) if job.recipe else Chain()
            underway.here = here = brought(job, underway.folder)
            # Before it is opened: what is put in its place meanwhile is another photo.
            digest = content_sha256(here)
            underway.result = replace(underway.result, source_sha256=digest)
            if not _is_clip(here):
                underway.scene = opened(Path(here.source), self.context, **here.opening)

    def depth(self, underway: Underway) -> None:
        """Find the scene's depth, if the chain needs it."""
        needs = frozenset[Channel]().union(*(effect.needs for effect in underway.chain.effects))
        needed = underway.job.survey or Channel.DEPTH in needs or Channel.METRIC in needs
        if needed and underway.scene is not None:
            with underway.timed("depth"):
                underway.scene.depth  # noqa: B018 - it is kept with the scene

    def effects(self, underway: Underway) -> None:
        """Let the chain work on the scene, and look over what it made."""
        if underway.scene is None or underway.job.survey:
            return
        with underway.timed("effects"):
            underway.made = underway.chain(underway.scene, self.context)
        if self.settings.checks:
            from depthfx.batch.check import findings

            with underway.timed("check"):
                found = findings(underway.scene, underway.made, underway.chain)
                underway.result = replace(underway.result, findings=found)
        if self.settings.pictures:
            self._make_pictures(underway.scene, underway.made, underway)

    def write(self, underway: Underway) -> Result:
        """Write what was made, and say what was done."""
        if underway.scene is None:
            result = self._film(underway)
        elif underway.job.survey:
            result = _surveyed(underway.scene, underway)
        else:
            assert underway.made is not None
            result = self._saved(underway.scene, underway.made, underway)
        if self.store is not None:
            from depthfx.batch.carry import sent

            with underway.timed("send"):
                sent(underway.folder, result, self.store)
        if self.store is not None or underway.job.survey:
            shutil.rmtree(underway.folder)
        return replace(result, seconds=dict(underway.seconds))

    def failed(self, underway: Underway, error: BaseException) -> Result:
        """The result of a photo that failed so; nothing of it is left in `staging`."""
        from depthfx.batch.deliver import is_fatal

        shutil.rmtree(underway.folder, ignore_errors=True)
        foreseen, short = isinstance(error, DepthfxError), lacks_memory(error)
        return replace(
            underway.result,
            status=Status.FAILED,
            findings=(),
            pictures={},
            error=_one_line(underway, error),
            seconds=dict(underway.seconds),
            fatal=is_fatal(error),
            out_of_memory=short,
            traceback="" if foreseen or short else "".join(traceback.format_exception(error)),
        )

    def rehearse(self, job: Job, reading: Future[None]) -> None:
        """Load the compiled code that `job` will need while it is read; once."""
        from depthfx.recipe import from_toml
        from depthfx.rehearsal import rehearse

        if job.recipe and not self._rehearsed:
            self._rehearsed = True
            with suppress(Exception):  # what goes wrong here goes wrong where it is reported
                rehearse(from_toml(job.recipe), reading)

    def close(self) -> None:
        """There will be no more photos."""
        if self._cache is not None:
            self._cache.close()

    # ---------------------------------------------------------------- parts of stages
    def _make_pictures(self, scene: Scene, made: Scene, underway: Underway) -> None:
        from depthfx.batch.deliver import REPORT
        from depthfx.batch.thumbs import small_pictures

        with underway.timed("pictures"):
            folder = underway.folder / REPORT
            pictures = small_pictures(scene, made, folder, underway.job.slot)
            underway.result = replace(underway.result, pictures=pictures)

    def _saved(self, scene: Scene, made: Scene, underway: Underway) -> Result:
        from depthfx.batch.deliver import written
        from depthfx.facts import facts_of
        from depthfx.files import saved

        job = underway.job
        with underway.timed("write"):
            target = _target(underway)
            paths, left_out = saved(made, target, **{**job.saving, "overwrite": True})
            files = tuple(written(path, underway.folder) for path in paths)
        facts = facts_of(scene, made, paths, left_out, sum(underway.seconds.values()))
        height, width = scene.photo.shape
        facts |= {"file": job.source, "written": [file.name for file in files]}
        facts |= {"width": width, "height": height}
        facts["warnings"] += self._news()
        return replace(underway.result, written=files, facts=facts)

    def _film(self, underway: Underway) -> Result:
        """A film is read, worked on and written frame by frame, all at this stage."""
        from depthfx.batch.clip import run_clip
        from depthfx.batch.deliver import written

        def sample(before: Scene, after: Scene) -> None:
            self._make_pictures(before, after, underway)

        job, here = underway.job, underway.here
        with underway.timed("film"):
            made = run_clip(
                underway.chain,
                Path(here.source),
                _target(underway),
                self.context,
                f35_mm=here.opening.get("f35_mm"),
                overwrite=True,
                saving=cast("Saving", job.saving),
                sample=sample if self.settings.pictures else None,
                **job.film,
            )
            files = tuple(written(path, underway.folder) for path in made.written)
        named = {"file": job.source, "written": [file.name for file in files]}
        warnings = [*made.facts.get("warnings", ()), *self._news()]
        facts = {**made.facts, **named, "notes": list(made.notes), "warnings": warnings}
        return replace(underway.result, written=files, facts=facts)

    def _news(self) -> list[str]:
        """What the cache had to say since it was asked last."""
        news, self._heard[:] = list(self._heard), []
        return news


def _is_clip(job: Job) -> bool:
    """Whether the job is of a film, or of a folder of frames."""
    from depthfx.movie.read import is_film

    path = Path(job.source)
    return is_film(path) or path.is_dir()


def _surveyed(scene: Scene, underway: Underway) -> Result:
    from depthfx.batch.survey import contribution

    return replace(underway.result, facts={"survey": contribution(scene)})


def _target(underway: Underway) -> Path:
    """Where the result is written; the folder is there."""
    target = underway.folder / underway.job.target
    # Nothing above: where the disk was taken away, no folders must take its place.
    for inner in reversed(Path(underway.job.target).parents[:-1]):
        (underway.folder / inner).mkdir(exist_ok=True)
    return target


def _emptied(folder: Path) -> None:
    """Make an empty folder; there may be one of a worker that was killed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def _one_line(underway: Underway, error: BaseException) -> str:
    """Why the photo failed, naming it as the user does."""
    from depthfx.batch.carry import in_its_words

    job, words = underway.job, reason(error)
    if lacks_memory(error):
        size = f" ({job.size_px / MEGA:.0f} MP)" if job.size_px else ""
        words = f"not enough memory for this photo{size}"
    words = in_its_words(words, job, underway.here)
    named = job.fault or job.source in words or Path(job.source).name in words
    return words if named else f"{job.source}: {words}"
