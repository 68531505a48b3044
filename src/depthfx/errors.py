"""What can go wrong, as a user is told of it.

    DepthfxError
    ├── PhotoError       a photo file cannot be read or written
    ├── DepthError       depth is missing, does not fit, or is not metric where it must be
    ├── ModelError       a depth model is unknown, its weights are missing or do not fit
    ├── ParameterError   a parameter is unknown or out of its bounds
    │   └── RecipeError  the same, or bad syntax, in a recipe file
    ├── ShapeError       arrays given from Python do not fit each other
    └── Cancelled        the user stopped the work

A message names the file or parameter, the value, what was expected and the way out.
"""

from __future__ import annotations


class DepthfxError(Exception):
    """Base of every error that depthfx raises on purpose."""


class PhotoError(DepthfxError):
    """A photo file cannot be read or written."""


class DepthError(DepthfxError):
    """Depth is missing, does not fit its photo, or is relative where metres are needed."""


class ModelError(DepthfxError):
    """A depth model is unknown, or its weights are missing or do not fit."""


class ParameterError(DepthfxError):
    """A parameter is unknown or its value is outside its bounds."""


class RecipeError(ParameterError):
    """A recipe file has bad syntax, an unknown effect or a bad parameter."""


class ShapeError(DepthfxError):
    """Arrays do not have the shape or type they should have."""


class Cancelled(DepthfxError):  # noqa: N818 - the user's wish, not a fault
    """The user stopped the work."""


OPENCV_NO_MEMORY = -4
"""`code` of the error that OpenCV raises instead of MemoryError."""
NO_MEMORY = ("bad_alloc", "bad allocation", "allocate memory", "out of memory", "start new thread")
"""What the errors of other native code say where memory could not be had."""
LONGEST_REASON = 300
"""Characters of a library's message that are passed on."""


def lacks_memory(error: BaseException) -> bool:
    """Whether `error` comes of memory that could not be had; what it was made of counts too."""
    met = set[int]()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in met:
        met.add(id(cause))
        if isinstance(cause, MemoryError) or getattr(cause, "code", None) == OPENCV_NO_MEMORY:
            return True
        words = str(cause).lower()
        if not isinstance(cause, DepthfxError) and any(word in words for word in NO_MEMORY):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def reason(error: BaseException) -> str:
    """What went wrong, in one line."""
    if isinstance(error, DepthfxError):
        return " ".join(str(error).splitlines())
    if lacks_memory(error):
        return "not enough memory for this photo"
    words = str(error).strip().partition("\n")[0][:LONGEST_REASON]
    return f"unexpected {type(error).__name__}: {words}; --verbose shows where"
