"""How a command ends when it does not end well: one line on stderr and an exit status.

0 done, 1 failed, 2 wrong usage, 130 stopped by the user.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

import click

from depthfx.errors import Cancelled, ParameterError, reason

FAILED, USAGE, CANCELLED = 1, 2, 130

INTERRUPTED = threading.Event()
"""Whether this process was told to stop. Compilers catch whatever is raised while they are at
work, and other native code makes a SystemError of it, so the exception alone can be lost."""


def interrupt(_number: int, _frame: object) -> NoReturn:
    """What a process does that is told to stop."""
    INTERRUPTED.set()
    raise KeyboardInterrupt


def verbose_option(*, exposed: bool = True) -> Callable[[Any], Any]:
    """The option --verbose; a command that leaves it to `end` is not `exposed` to it."""
    return click.option(
        "--verbose",
        "-v",
        is_flag=True,
        expose_value=exposed,
        help="More words; a traceback when it fails.",
    )


def verbose_asked() -> bool:
    """Whether the command line asks for tracebacks; known before it is understood."""
    return any(word in ("--verbose", "-v") for word in sys.argv[1:])


def end(error: BaseException) -> int:
    """Say on stderr why the program ends; its exit status."""
    stopped = click.exceptions.Abort | KeyboardInterrupt | Cancelled
    if isinstance(error, stopped) or INTERRUPTED.is_set():
        print("stopped; nothing half-written is left", file=sys.stderr)
        return CANCELLED
    if isinstance(error, BrokenPipeError):
        return FAILED
    if verbose_asked():
        traceback.print_exception(error)
    if isinstance(error, click.ClickException):
        error.show(sys.stderr)
        return error.exit_code
    print(f"error: {reason(error)}", file=sys.stderr)
    return USAGE if isinstance(error, ParameterError) else FAILED


def give_up_stdout() -> None:
    """Point stdout at nothing: whoever read it is gone, and the last flush must not fail."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
