"""What a photo of a batch costs, and how many results the machine that drives a cluster bears.

    python -m depthfx.evaluation.bench_scale photo PHOTO...     CPU seconds by stage, memory, bytes
    python -m depthfx.evaluation.bench_scale driver [NUMBER]    results a second through Ray

The figures of docs/scale.md come from here. CPU time is counted, not the clock, so that it does not
matter who else is at work; set OMP_NUM_THREADS=1, as a worker of a cluster has it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from depthfx.batch.job import Job, Settings
from depthfx.batch.work import Bench

LOOK = 'depthfx = 1\n[[effect]]\nname = "portrait"\nf_number = 2.0\n'
STAGES = ("read", "depth", "effects", "write")
ROUNDS = 4
"""The first of which is not counted: compiled code is loaded in it."""
WARM = 200
"""Results until the workers are all at work."""


def photo_cost(photo: Path) -> str:
    """CPU seconds by stage ("effects" with the check and the small pictures), as a line."""
    import resource

    with tempfile.TemporaryDirectory() as folder:
        bench, spent = Bench(Settings(), Path(folder)), []
        for _ in range(ROUNDS):
            underway, times = bench.begun(Job("a", str(photo), "a.jpg", LOOK)), {}
            for stage in STAGES:
                begun = time.process_time()
                result = getattr(bench, stage)(underway)
                times[stage] = time.process_time() - begun
            spent.append(times)
        bench.close()
    medians = {stage: statistics.median(times[stage] for times in spent[1:]) for stage in STAGES}
    words = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in medians.items())
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    written_mb = sum(entry.size for entry in result.written) / 1e6
    return (
        f"{photo.name}: {sum(medians.values()):.2f} s ({words}); {photo.stat().st_size / 1e6:.1f} "
        f"MB in, {written_mb:.1f} MB out; at most {peak_mb:.0f} MB so far"
    )


def driver_cost(number: int, workers: int = 2) -> str:
    """What passing a photo on and taking its result costs where no work is done, as a line."""
    from depthfx.batch.on_ray import on_ray

    jobs = (Job(f"{i}", f"{i}.jpg", f"{i}.jpg", LOOK, fault="no work") for i in range(number))
    with tempfile.TemporaryDirectory() as folder:
        stop, count, begun_s, cpu_s = threading.Event(), 0, 0.0, 0.0
        for _ in on_ray(jobs, Settings(), Path(folder), address="ray", count=workers, stop=stop):
            count += 1
            if count == WARM:
                begun_s, cpu_s = time.perf_counter(), time.process_time()
        rate = (count - WARM) / (time.perf_counter() - begun_s)
        each_ms = 1e3 * (time.process_time() - cpu_s) / (count - WARM)
    return f"{rate:.0f} results a second with {workers} workers; {each_ms:.2f} ms of CPU each"


def main() -> None:
    what, *words = sys.argv[1:] or [""]
    if what == "photo" and words:
        for word in words:
            print(photo_cost(Path(word)), flush=True)
    elif what == "driver":
        print(driver_cost(int(words[0]) if words else 3000))
    else:
        print(__doc__)


if __name__ == "__main__":
    main()
