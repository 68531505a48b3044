"""The training commands: `train RECIPE -o FOLDER`, `synthesise -o FOLDER` and
`export CHECKPOINT -o FILE.onnx`, each after `python -m depthfx.training`.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

# The products here are many and small: threads of the linear algebra library only wait
# for each other (rendering a scene takes five times as long with them).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m depthfx.training")
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train, or go on from the last checkpoint")
    train.add_argument("recipe", type=Path)
    train.add_argument("-o", "--out", type=Path, required=True)
    export = commands.add_parser("export", help="write the averaged weights as ONNX")
    export.add_argument("checkpoint", type=Path)
    export.add_argument("-o", "--out", type=Path, required=True)
    export.add_argument("--variant", default="lite2")
    synthetic = commands.add_parser("synthesise", help="render scenes with exact depth")
    synthetic.add_argument("-o", "--out", type=Path, required=True)
    synthetic.add_argument("--count", type=int, default=800)
    synthetic.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.command == "train":
        from depthfx.training.loop import Recipe
        from depthfx.training.loop import train as run

        run(Recipe.read(arguments.recipe), arguments.out)
    elif arguments.command == "synthesise":
        from depthfx.training.synthetic import write_folder

        write_folder(arguments.out, arguments.count, arguments.seed)
    else:
        from depthfx.training.export import export_checkpoint

        export_checkpoint(arguments.checkpoint, arguments.out, arguments.variant)


if __name__ == "__main__":
    main()
