"""The training commands, each after `python -m depthfx.training`.

train RECIPE -o FOLDER            train, or go on from the last checkpoint
plot FOLDER... -o CURVE.png       draw the losses of runs
check FOLDER...                   read every picture of folders of training pairs
pack FOLDER... -o FOLDER          write folders as archives of limited size
depth-pro RECIPE -o FOLDER        fine-tune Depth Pro
synthesise -o FOLDER              render scenes with exact depth
export CHECKPOINT -o FILE.onnx    write the averaged weights as ONNX
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from depthfx.errors import DepthfxError

# The products here are many and small: threads of the linear algebra library only wait
# for each other (rendering a scene takes five times as long with them).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m depthfx.training")
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train, or go on from the last checkpoint")
    train.add_argument("recipe", type=Path)
    train.add_argument("-o", "--out", type=Path, required=True)
    pro = commands.add_parser("depth-pro", help="fine-tune Depth Pro on folders of pairs")
    pro.add_argument("recipe", type=Path)
    pro.add_argument("-o", "--out", type=Path, required=True)
    for command in (train, pro):
        command.add_argument("--device", default="cpu", help="cpu, cuda or mps")
        command.add_argument("--threads", type=int, default=1, help="that prepare batches")
        command.add_argument("--minutes", type=float, help="time to train, instead of steps")
    plot = commands.add_parser("plot", help="draw the losses of one run or several")
    plot.add_argument("run", type=Path, nargs="+")
    plot.add_argument("-o", "--out", type=Path, required=True)
    check = commands.add_parser("check", help="read every picture of folders of pairs")
    check.add_argument("folder", type=Path, nargs="+")
    pack = commands.add_parser("pack", help="write folders as archives of limited size")
    pack.add_argument("folder", type=Path, nargs="+")
    pack.add_argument("-o", "--out", type=Path, required=True)
    pack.add_argument("--megabytes", type=float, default=60.0, help="that an archive may have")
    export = commands.add_parser("export", help="write the averaged weights as ONNX")
    export.add_argument("checkpoint", type=Path)
    export.add_argument("-o", "--out", type=Path, required=True)
    synthetic = commands.add_parser("synthesise", help="render scenes with exact depth")
    synthetic.add_argument("-o", "--out", type=Path, required=True)
    synthetic.add_argument("--count", type=int, default=800)
    synthetic.add_argument("--seed", type=int, default=1)
    synthetic.add_argument("--width", type=int, default=512, help="of the pictures, in pixels")
    synthetic.add_argument("--processes", type=int, default=2, help="that render at a time")
    arguments = parser.parse_args()
    try:
        run(arguments)
    except DepthfxError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def run(arguments: argparse.Namespace) -> None:
    """What a command does; imports nothing that the others need."""
    if arguments.command == "train":
        from depthfx.training.embedded import train
        from depthfx.training.recipe import read_recipe

        train(
            read_recipe(arguments.recipe),
            arguments.out,
            device=arguments.device,
            minutes=arguments.minutes,
            threads=arguments.threads,
        )
    elif arguments.command == "depth-pro":
        from depthfx.training.depth_pro import read_tuning, tune

        tune(
            read_tuning(arguments.recipe),
            arguments.out,
            device=arguments.device,
            minutes=arguments.minutes,
            threads=arguments.threads,
        )
    elif arguments.command == "plot":
        from depthfx.training.curve import draw_runs

        draw_runs(arguments.run, arguments.out)
    elif arguments.command == "check":
        from depthfx.training.folders import check_folder

        for folder in arguments.folder:
            print(check_folder(folder))
    elif arguments.command == "pack":
        from depthfx.training.pack import pack

        for path in pack(arguments.folder, arguments.out, arguments.megabytes):
            print(path)
    elif arguments.command == "synthesise":
        from depthfx.training.scenes.folder import write_folder

        write_folder(
            arguments.out,
            arguments.count,
            arguments.seed,
            width=arguments.width,
            processes=arguments.processes,
        )
    else:
        from depthfx.training.export import export_checkpoint

        export_checkpoint(arguments.checkpoint, arguments.out)


if __name__ == "__main__":
    main()
