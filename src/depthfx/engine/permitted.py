"""Whether the model that is asked for can be had, and may be used; nothing of it is loaded here."""

from __future__ import annotations

from depthfx.context import Context
from depthfx.engine import hub
from depthfx.engine.catalogue import PREFIXES, check_commercial, entries, unknown
from depthfx.engine.model_folder import COMMERCIAL, card_licence
from depthfx.errors import ModelError
from depthfx.registry import model_class, model_names

EMBEDDED = "embedded"
"""For commercial use another one takes its place, see `find.model`."""


def check_model(context: Context) -> None:
    """Refuse a model that cannot be had, before anything is loaded or downloaded.

    Raises ModelError if there is none of that name, a file named for it is not there, or it must
    not be used as the context wants it.
    """
    name = context.model
    prefix, _, source = name.partition(":")
    if name not in {*model_names(), *entries()} and not (source and prefix in PREFIXES):
        raise unknown(name)
    for what, path in (("weights", context.weights), ("the face detector", context.faces)):
        if path is not None and not path.exists():
            raise ModelError(f"{what} {path}: no such file")
    if context.commercial_only and name != EMBEDDED:
        check_licence(name, context)


def check_licence(name: str, context: Context) -> None:
    """Refuse a model that is not for commercial use before its weights are loaded or downloaded.

    Raises ModelError.
    """
    if name in model_names():
        check_commercial(model_class(name).info)
    elif name in entries():
        check_commercial(entries()[name].info)
    elif name.startswith(("hf:", "marigold:")):
        source = name.partition(":")[2]
        try:
            folder = hub.fetch(source, "README.md", context).parent
        except ModelError as error:
            raise ModelError(f"--commercial-only: {name} shows no licence: {error}") from None
        if (licence := card_licence(folder)).lower() not in COMMERCIAL:
            raise ModelError(
                f"--commercial-only: the licence of {name} is {licence}, which is not known to "
                "allow commercial use; `depthfx models list --commercial-only` lists what does"
            )
