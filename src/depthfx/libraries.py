"""How the libraries that do the work are told to behave, before they are imported."""

from __future__ import annotations

import logging
import os
import warnings


def quiet_libraries() -> None:
    """Keep the libraries' own warnings and log lines off the screen; ours say what counts.

    Call in every process.
    """
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
