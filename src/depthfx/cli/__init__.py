"""The command line: `depthfx`. Nothing heavy is imported to print help."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
import threading

import click

from depthfx.cli.failure import end, give_up_stdout, interrupt, verbose_asked
from depthfx.cli.group import Commands
from depthfx.compiled import find_compiled_a_place, let_threads_sleep
from depthfx.libraries import quiet_libraries

OBJECTS_BETWEEN_COLLECTIONS = 100_000


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="depthfx", message="%(prog)s %(version)s")
def cli() -> None:
    """Photo editing built on depth: one photo in, its depth found, effects applied."""


def main() -> None:
    """Run the command line; exit status 0 done, 1 failed, 2 wrong usage, 130 cancelled."""
    if not verbose_asked():
        quiet_libraries()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name need not be UTF-8; it is printed as the bytes it is.
        sys.stdout.reconfigure(errors="surrogateescape")
    find_compiled_a_place()
    let_threads_sleep()
    # Half of a short run is imports, which make many objects and no garbage.
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    # A request to end is as good as Ctrl-C: what is half written goes.
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        status = cli.main(prog_name="depthfx", standalone_mode=False)
    except Exception as error:
        status = end(error)
    except KeyboardInterrupt as error:
        status = end(error)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        give_up_stdout()
        status = end(error)
    # The end does not look through all that was imported for garbage once more: 0.3 s.
    gc.freeze()
    status = status if isinstance(status, int) else 0
    if any(thread.daemon for thread in threading.enumerate()):
        # A reader that did not hear the call to stop. Native code that comes back to an
        # interpreter which is gone aborts the process; so it goes first.
        if sys.stderr is not None:
            sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
