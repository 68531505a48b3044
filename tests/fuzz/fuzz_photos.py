"""Feeds depthfx damaged files for hours and keeps those it does not answer well.

    python tests/fuzz/fuzz_photos.py --corpus DIR [--corpus DIR] --hours 2 --findings DIR
    python tests/fuzz/fuzz_photos.py --again DIR       what of earlier findings is still so

The files go to another process, which reads one after another under limits of memory and time,
and is replaced when it dies, and every few hundred files anyhow. An answer is
a picture of finite pixels, or an error of depthfx's own in one line. A finding is a crash, a
hang, too much memory, or any other exception; one of each kind is kept, made as small as it
will go while it still fails, with what was said of it beside it.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import json
import os
import re
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

LONGEST_S = 10.0
PEAK_BYTES = 1500 << 20
ADDRESS_BYTES = 4 << 30
"""As a limit on addresses, which libraries reserve more of than they ever use."""
RENEWED_AFTER = 400
LARGEST_FILE_BYTES = 1 << 20
SMALLER_FOR_S = 40.0
NO_FINDING = ("ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError")
"""Of a module that is being edited while this runs."""

SHARES = {"photo": 65, "exif": 7, "xmp": 12, "profile": 9, "recipe": 7}
"""How often each target gets a file, percent."""

RECIPE = """depthfx = 1

[[effect]]
name = "portrait"
f_number = 1.8
like = "85mm f/1.4 full-frame"
focus_xy = [0.5, 0.4]
kernel = "heart.png"
highlights = 0.8

[[effect]]
name = "bokeh"
aperture_mm = 20.0
focus_m = 2.5
blades = 7

[[effect]]
name = "tilt-shift"
tilt_deg = 4.0
vividness = 0.2

[[effect]]
name = "depth-picture"
colours = "inferno"
legend = false
"""


@dataclass(frozen=True)
class Answer:
    """kind: "fine", or what is wrong; signature: the same for the same fault; text: in full."""

    kind: str
    signature: str = ""
    text: str = ""


# ---- the process that reads ----------------------------------------------------------------


def serve(scratch: Path) -> None:
    """Read a line {"target", "file"} after another, and answer each with a line."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the libraries print is not an answer
    faulthandler.enable()
    from targets import TARGETS

    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_BYTES, ADDRESS_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers.write('{"ready": true}\n')
    for line in sys.stdin:
        asked = json.loads(line)
        said: dict[str, object] = {}
        try:
            TARGETS[asked["target"]](Path(asked["file"]).read_bytes(), scratch)
        except Exception as error:
            said = {"signature": _signature(error), "text": traceback.format_exc()}
        said["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        answers.write(json.dumps(said) + "\n")


def _signature(error: BaseException) -> str:
    """The exception's class and the last place of ours that it went through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "depthfx" in f.filename and "site-packages" not in f.filename]
    place = (ours or list(frames))[-1]
    detail = str(error).partition(":")[0] if "targets" in place.filename else ""
    return f"{type(error).__name__} {Path(place.filename).stem}.{place.name} {detail}".strip()


# ---- the process that asks -----------------------------------------------------------------


class Reader:
    """The process that reads, started when needed and replaced when it dies."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.process: subprocess.Popen[str] | None = None
        self.asked = 0

    def ask(self, target: str, file: Path) -> Answer:
        process = self._started()
        if process is None:
            return Answer("not started")
        assert process.stdin
        assert process.stdout
        self.asked += 1
        try:
            process.stdin.write(json.dumps({"target": target, "file": str(file)}) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            return self._dead("crash")
        end = time.monotonic() + LONGEST_S
        while not select.select([process.stdout], [], [], 0.05)[0]:
            if time.monotonic() > end:
                process.send_signal(signal.SIGABRT)  # faulthandler says where it hangs
                return self._dead("hang")
            if _resident_bytes(process.pid) > PEAK_BYTES:
                process.send_signal(signal.SIGABRT)
                return self._dead("memory")
        line = process.stdout.readline()
        if not line.endswith("\n"):
            return self._dead("crash")
        said = json.loads(line)
        if said["peak"] > PEAK_BYTES:
            self.stop()
            return Answer("memory", "memory peak", f"{said['peak'] >> 20} MB at the peak")
        if "signature" in said:
            kind = "edited" if said["signature"].startswith(NO_FINDING) else "error"
            if kind == "edited":
                self.stop()
            return Answer(kind, said["signature"], said["text"])
        return Answer("fine")

    def _started(self) -> subprocess.Popen[str] | None:
        if self.process is not None and self.asked < RENEWED_AFTER:
            return self.process
        self.stop()
        self.said = (self.scratch / "said").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(self.scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.said,
            text=True,
        )
        self.asked = 0
        assert self.process.stdout
        if "ready" not in self.process.stdout.readline():
            self.stop()
            return None
        return self.process

    def _dead(self, kind: str) -> Answer:
        assert self.process
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.said.seek(0)
        text = self.said.read()[-6000:]
        ours = re.findall(r'File "[^"]*/depthfx/([^"]*)\.py", line \d+ in (\w+)', text)
        place = ".".join(ours[0]) if ours else "unknown place"
        self.process = None
        return Answer(kind, f"{kind} {code if kind == 'crash' else ''} {place}", text)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def _resident_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * resource.getpagesize()


@dataclass(frozen=True)
class Seed:
    target: str
    name: str
    data: bytes


def corpus_of(folders: list[Path]) -> list[Seed]:
    """The files of the folders, and the EXIF, XMP and profiles in them as seeds of their own."""
    seeds = [Seed("recipe", "recipe.toml", RECIPE.encode())]
    for path in sorted(p for folder in folders for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        if path.suffix == ".toml":
            seeds.append(Seed("recipe", path.name, data))
        elif path.suffix not in (".json", ".md", ".py") and len(data) <= LARGEST_FILE_BYTES:
            seeds.append(Seed("photo", str(path), data))
            start = data.find(b"Exif\0\0") + 6
            if start > 6:
                seeds.append(Seed("exif", path.name, data[start : start + 65536]))
            start = data.find(b"acsp") - 36
            if start >= 0:
                seeds.append(Seed("profile", path.name, data[start : start + 65536]))
            found = re.search(rb"<x:xmpmeta.*?</x:xmpmeta>", data[: 4 << 20], re.DOTALL)
            if found:
                seeds.append(Seed("xmp", path.name, found[0]))
    return seeds


def fuzz(seeds: list[Seed], reader: Reader, findings: Path, hours: float, seed: int) -> None:
    from mutations import mutated

    rng = Random(seed)
    cost = {index: 0.005 + len(one.data) / 5e6 for index, one in enumerate(seeds)}
    like: dict[bytes, list[bytes]] = {}
    for one in seeds:
        like.setdefault(one.data[:3], []).append(one.data)
    counts: Counter[str] = Counter()
    begun = said = time.monotonic()
    case = reader.scratch / "case"
    while time.monotonic() < begun + 3600 * hours:
        target = rng.choices(list(SHARES), list(SHARES.values()))[0]
        ones = [i for i, one in enumerate(seeds) if one.target == target]
        if not ones:
            continue
        # Quick files are tried more often, so that each gets about the same time.
        index = rng.choices(ones, [1 / cost[i] for i in ones])[0]
        one = seeds[index]
        data = mutated(one.data, rng, like[one.data[:3]])
        case.write_bytes(data)
        start = time.monotonic()
        answer = reader.ask(one.target, case)
        cost[index] = 0.9 * cost[index] + 0.1 * max(time.monotonic() - start, 0.002)
        counts[f"{one.target} {answer.kind}"] += 1
        if answer.kind in ("not started", "edited"):
            time.sleep(1)
        elif answer.kind != "fine":
            note(one, data, answer, reader, findings)
        if time.monotonic() > said + 300:
            said = time.monotonic()
            print(f"{(said - begun) / 3600:.2f} h, {dict(counts)}", flush=True)
    print(f"{hours} h, seed {seed}, {sum(counts.values())} files: {dict(counts)}", flush=True)


def note(one: Seed, data: bytes, answer: Answer, reader: Reader, findings: Path) -> None:
    """Keep the first of each kind, if a new process says the same, made small."""
    key = hashlib.sha256(f"{one.target} {answer.signature}".encode()).hexdigest()[:10]
    said = findings / f"{one.target}-{key}.txt"
    if said.exists():
        return
    case = reader.scratch / "case"
    case.write_bytes(data)
    reader.stop()
    again = reader.ask(one.target, case)
    if again.signature != answer.signature:
        print(f"not seen again: {answer.signature}", flush=True)
        return
    small = smaller(data, one.target, answer.signature, reader)
    (findings / f"{one.target}-{key}.bin").write_bytes(small)
    said.write_text(
        f"{one.target} {answer.kind}: {answer.signature}\nof {one.name}, {len(data)} bytes, "
        f"{len(small)} made small\n\n{again.text}"
    )
    print(f"FOUND {said.name} {answer.signature} (of {one.name})", flush=True)


def smaller(data: bytes, target: str, signature: str, reader: Reader) -> bytes:
    """`data` with as many bytes dropped as will go while the answer stays the same."""
    case = reader.scratch / "case"
    end = time.monotonic() + SMALLER_FOR_S
    step = len(data) // 2
    while step >= 1 and time.monotonic() < end:
        at = 0
        while at < len(data) and time.monotonic() < end:
            shorter = data[:at] + data[at + step :]
            case.write_bytes(shorter)
            if reader.ask(target, case).signature == signature:
                data = shorter
            else:
                at += step
        step //= 2
    return data


def ask_again(findings: Path, reader: Reader) -> int:
    """How many of the findings are still so; a line for each."""
    still = 0
    for said in sorted(findings.glob("*.txt")):
        answer = reader.ask(said.name.partition("-")[0], said.with_suffix(".bin"))
        still += answer.kind != "fine"
        print(f"{said.stem}: {answer.kind} {answer.signature}")
    return still


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corpus", type=Path, action="append", default=[])
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--findings", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", type=Path)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        reader = Reader(Path(scratch))
        try:
            if asked.again:
                return min(ask_again(asked.again, reader), 1)
            if not asked.corpus or not asked.findings:
                parser.error("--corpus and --findings are needed")
            asked.findings.mkdir(parents=True, exist_ok=True)
            seeds = corpus_of(asked.corpus)
            print(f"{len(seeds)} seeds, seed {asked.seed}", flush=True)
            fuzz(seeds, reader, asked.findings, asked.hours, asked.seed)
        finally:
            reader.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
