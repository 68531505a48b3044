"""The measuring commands, each after `python -m depthfx.evaluation`:

bench                 start-up time and the portrait command on a 12 MP photo
score FOLDER          the reference data's own scorers over what the commands use
reference -o FILE     the reference page of all effects, from their declarations
"""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m depthfx.evaluation")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("bench", help="start-up and the portrait command on a 12 MP photo")
    score = commands.add_parser("score", help="run the scorers of the reference data")
    score.add_argument("folder", type=Path, help="folder with rgbd, subjects, truth")
    score.add_argument("parts", nargs="*", default=["rgbd", "subjects", "truth"])
    reference = commands.add_parser("reference", help="write the reference page of the effects")
    reference.add_argument("-o", "--out", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "bench":
        from depthfx.evaluation.bench import bench

        bench()
    elif arguments.command == "score":
        from depthfx.evaluation.score import score as run

        run(arguments.folder, arguments.parts)
    else:
        from depthfx.evaluation.reference import reference_page

        arguments.out.write_text(reference_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
