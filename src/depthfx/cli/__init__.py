"""The command line: `depthfx`. Nothing heavy is imported to print help."""

from __future__ import annotations

import sys

import click

from depthfx.cli.group import Commands
from depthfx.errors import Cancelled, DepthfxError, ParameterError

FAILED, USAGE, CANCELLED = 1, 2, 130


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="depthfx", message="%(prog)s %(version)s")
def cli() -> None:
    """Photo editing built on depth: one photo in, its depth found, effects applied."""


def main() -> None:
    """Run the command line; exit status 0 done, 1 failed, 2 wrong usage, 130 cancelled."""
    try:
        status = cli.main(prog_name="depthfx", standalone_mode=False)
    except click.exceptions.Abort:
        status = _say("stopped", CANCELLED)
    except (KeyboardInterrupt, Cancelled):
        status = _say("stopped; nothing half-written is left", CANCELLED)
    except click.ClickException as error:
        error.show(sys.stderr)
        status = error.exit_code
    except ParameterError as error:
        status = _say(f"error: {error}", USAGE)
    except DepthfxError as error:
        status = _say(f"error: {error}", FAILED)
    except BrokenPipeError:
        status = FAILED
    except MemoryError:
        status = _say("error: not enough memory for this photo", FAILED)
    sys.exit(status if isinstance(status, int) else 0)


def _say(line: str, status: int) -> int:
    print(line, file=sys.stderr)
    return status
