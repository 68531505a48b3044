"""The measuring commands, each after `python -m depthfx.evaluation`:

bench                 start-up time and the portrait command on a 12 MP photo
score FOLDER          the reference data's own scorers over what the commands use
reference -o FILE     the reference page of all effects, from their declarations
engine                Depth Pro against transformers' port: time, memory, answers
pairs FOLDER          a depth model measured on photos whose depth or matte is known
card FOLDER           the tables of the embedded network's model card, all weights beside another
fidelity [FOLDER]     the renderer against true lens pictures, beside the known simple ways
bench-defocus         time and memory of the renderer beside the tutorial way
bench-batch           throughput and memory of a batch beside loops over single photos
bench-photo           time and memory of reading and writing 24 MP beside plain decode and encode
bench-parallax        time and memory of layers for After Effects and of films of 3D photos
bench-light           time of normals and of added light on 24 MP
flicker FOLDER        how much the blur of films flickers, each frame alone and steadied
runtime               what the embedded network takes: seconds, memory, agreement of its paths
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m depthfx.evaluation")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("bench", help="start-up and the portrait command on a 12 MP photo")
    engine = commands.add_parser("engine", help="Depth Pro against transformers' port")
    engine.add_argument("--runs", type=int, default=3, help="timed runs of each way")
    score = commands.add_parser("score", help="run the scorers of the reference data")
    score.add_argument("folder", type=Path, help="folder with rgbd, subjects, truth")
    score.add_argument("parts", nargs="*", default=["rgbd", "subjects", "truth"])
    reference = commands.add_parser("reference", help="write the reference page of the effects")
    reference.add_argument("-o", "--out", type=Path, required=True)
    _add_pairs(commands.add_parser("pairs", help="measure a depth model on photos of known depth"))
    _add_card(commands.add_parser("card", help="the tables of the embedded network's card"))
    flicker = commands.add_parser("flicker", help="how much the blur of films flickers")
    flicker.add_argument("folder", type=Path, help="folder with rgbd, subjects")
    flicker.add_argument("clips", nargs="*", help="still, walk, pan, shake, cut; all of them")
    flicker.add_argument("--frames", type=int, default=100, help="of each clip")
    runtime = commands.add_parser("runtime", help="time and memory of the embedded network")
    runtime.add_argument("--weights", type=Path, help="a file of weights instead of its own")
    runtime.add_argument(
        "--checkpoint", type=Path, help="that of training, to hold the file against torch"
    )
    runtime.add_argument("--runs", type=int, default=5, help="fresh processes; medians are shown")
    _add_fidelity(commands.add_parser("fidelity", help="defocus against true lens pictures"))
    _add_bench_defocus(commands.add_parser("bench-defocus", help="time and memory of defocus"))
    photo = commands.add_parser("bench-photo", help="time and memory of photo files")
    photo.add_argument("--runs", type=_at_least(1), default=5, help="fresh processes of each way")
    _add_bench_batch(commands.add_parser("bench-batch", help="throughput and memory of batches"))
    parallax = commands.add_parser("bench-parallax", help="time and memory of layers and films")
    parallax.add_argument("--photo", type=Path, help="a photo of your own")
    parallax.add_argument("--runs", type=_at_least(1), default=3, help="fresh processes of each")
    light = commands.add_parser("bench-light", help="time of normals and of added light")
    light.add_argument("--runs", type=_at_least(1), default=5, help="fresh processes of each way")
    arguments = parser.parse_args()
    if arguments.command == "bench":
        from depthfx.evaluation.bench import bench

        bench()
    elif arguments.command == "engine":
        from depthfx.evaluation.engine import bench_engine

        bench_engine(arguments.runs)
    elif arguments.command == "score":
        from depthfx.evaluation.score import score as run

        run(arguments.folder, arguments.parts)
    elif arguments.command == "pairs":
        sys.exit(_pairs(arguments))
    elif arguments.command == "card":
        sys.exit(_card(arguments))
    elif arguments.command == "flicker":
        from depthfx.evaluation.flicker import KINDS, report

        report(arguments.folder, arguments.frames, tuple(arguments.clips) or KINDS)
    elif arguments.command == "runtime":
        sys.exit(_runtime(arguments))
    elif arguments.command == "fidelity":
        sys.exit(_fidelity(arguments))
    elif arguments.command == "bench-defocus":
        _bench_defocus(arguments)
    elif arguments.command == "bench-batch":
        _bench_batch(arguments)
    elif arguments.command == "bench-photo":
        from depthfx.evaluation.bench_photo import bench_photo

        bench_photo(arguments.runs)
    elif arguments.command == "bench-parallax":
        from depthfx.evaluation.bench_parallax import bench_parallax

        bench_parallax(arguments.photo, arguments.runs)
    elif arguments.command == "bench-light":
        from depthfx.evaluation.bench_light import bench_light

        bench_light(arguments.runs)
    else:
        from depthfx.evaluation.reference import reference_page

        arguments.out.write_text(reference_page(), encoding="utf-8")


def _add_pairs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="one source, or a folder of them")
    parser.add_argument("--model", default="embedded", help="name of the depth model")
    parser.add_argument("--weights", type=Path, help="a file of weights instead of its own")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])
    parser.add_argument("--quality", default="normal", choices=["draft", "normal", "best"])
    parser.add_argument(
        "--blind", action="store_true", help="do not tell the model the focal length; measure its"
    )
    parser.add_argument("-o", "--pictures", type=Path, help="folder for pictures side by side")
    parser.add_argument("--csv", type=Path, help="file for the figures of every photo")
    parser.add_argument("--json", type=Path, help="file for the table and all figures")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")


def _pairs(arguments: argparse.Namespace) -> int:
    """Exit status: 0 if every pair was measured, else 1."""
    from depthfx.context import Context
    from depthfx.errors import DepthfxError
    from depthfx.evaluation.measure import run

    context = Context(
        arguments.model, arguments.weights, arguments.device, quality=arguments.quality
    )
    try:
        complete = run(
            arguments.folder,
            context,
            blind=arguments.blind,
            pictures=arguments.pictures,
            csv_file=arguments.csv,
            json_file=arguments.json,
            overwrite=arguments.overwrite,
        )
    except DepthfxError as error:
        print(f"depthfx: {error}", file=sys.stderr)
        return 1
    return 0 if complete else 1


def _add_card(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="folder with rgbd, subjects, truth")
    parser.add_argument(
        "--weights",
        type=_named_file,
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="score this file, and others named so, instead of the card's standard columns",
    )
    parser.add_argument(
        "--only",
        choices=["depth", "mattes", "outlines"],
        action="append",
        help="only this part; may be given twice",
    )
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="every Nth photo of each source only"
    )
    parser.add_argument("-o", "--out", type=Path, default=Path("build/card"), help="folder")
    parser.add_argument("--update", action="store_true", help="put the tables into the model card")


def _named_file(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if not (name and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FILE, like mine=runs/mine.onnx")
    return name, Path(path)


def _card(arguments: argparse.Namespace) -> int:
    """Exit status: 0 if all could be scored, else 1."""
    from depthfx.errors import DepthfxError
    from depthfx.evaluation import card

    parts = arguments.only or card.PARTS
    try:
        card.run(
            arguments.folder,
            dict(arguments.weights),
            arguments.out,
            parts=parts,
            every=max(arguments.every, 1),
            update=arguments.update,
        )
    except DepthfxError as error:
        print(f"depthfx: {error}", file=sys.stderr)
        return 1
    return 0


def _runtime(arguments: argparse.Namespace) -> int:
    from depthfx.errors import DepthfxError
    from depthfx.evaluation.runtime import print_table

    try:
        print_table(arguments.weights, arguments.checkpoint, arguments.runs)
    except DepthfxError as error:
        print(f"depthfx: {error}", file=sys.stderr)
        return 1
    return 0


def _add_fidelity(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, nargs="?", help="rendered truth; without it the program's own scenes"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="SCENE", help="one of its own scenes"
    )
    parser.add_argument(
        "--height", type=_at_least(32), default=512, metavar="PX", help="of its own scenes"
    )
    parser.add_argument("-o", "--page", type=Path, help="Markdown page of its own scenes to write")
    parser.add_argument("--json", type=Path, help="file for all figures")


def _fidelity(arguments: argparse.Namespace) -> int:
    from depthfx.errors import DepthfxError
    from depthfx.evaluation import fidelity

    try:
        fidelity.run(
            arguments.folder, arguments.only, arguments.height, arguments.page, arguments.json
        )
    except DepthfxError as error:
        print(f"depthfx: {error}", file=sys.stderr)
        return 1
    return 0


def _add_bench_defocus(parser: argparse.ArgumentParser) -> None:
    count = _at_least(1)
    parser.add_argument("--megapixels", type=count, default=24, help="size of the large picture")
    parser.add_argument("--runs", type=count, default=5, help="alternated runs; medians are shown")
    parser.add_argument("--threads", type=count, help="workers; all cores if not given")


def _at_least(lowest: int) -> Callable[[str], int]:
    def whole_number(text: str) -> int:
        if not (text.isdecimal() and int(text) >= lowest):
            raise argparse.ArgumentTypeError(f"{text} must be a whole number from {lowest} on")
        return int(text)

    return whole_number


def _bench_defocus(arguments: argparse.Namespace) -> None:
    from depthfx.evaluation.bench_defocus import bench_defocus

    bench_defocus(arguments.megapixels, arguments.runs, arguments.threads)


def _add_bench_batch(parser: argparse.ArgumentParser) -> None:
    count = _at_least(1)
    parser.add_argument(
        "--runs", type=count, default=2, help="over the mixed set; medians are shown"
    )
    parser.add_argument(
        "--memory", type=count, metavar="PHOTOS", help="instead: peak memory of so many photos"
    )


def _bench_batch(arguments: argparse.Namespace) -> None:
    from depthfx.evaluation.bench_batch import bench_batch, bench_memory

    if arguments.memory:
        bench_memory(arguments.memory)
    else:
        bench_batch(arguments.runs)


if __name__ == "__main__":
    main()
