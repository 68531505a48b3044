"""Where a scene's depth and matte come from, in the order of trust.

Depth: the user's file (`fit`), then the model asked for. Matte: the embedded network.

A model's name is that of an entry point ("embedded", "depth-pro", a plugin's), of the
catalogue ("depth-anything-v2-small"), or says itself where its files are:

    hf:OWNER/NAME or hf:FOLDER               what transformers loads
    marigold:OWNER/NAME or marigold:FOLDER   a Marigold pipeline of diffusers
    onnx:FILE.toml                           any ONNX network, described in that file
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np

from depthfx.context import Context
from depthfx.depth import Depth, Plane
from depthfx.engine import hub
from depthfx.engine.catalogue import (
    PREFIXES,
    check_commercial,
    check_weights,
    entries,
    unknown,
)
from depthfx.engine.embedded.model import CleanEmbeddedModel, EmbeddedModel
from depthfx.engine.identity import identity
from depthfx.engine.model import DepthModel
from depthfx.engine.permitted import check_licence
from depthfx.engine.refine import refine
from depthfx.errors import DepthError, ModelError
from depthfx.photo.photo import Photo
from depthfx.registry import model_class, model_names

ASPECT_TOLERANCE = 0.02
NEAREST_M = 0.001
"""No photo shows mostly things nearer than this: a unit was mistaken."""
EMBEDDED = (EmbeddedModel.info.name, CleanEmbeddedModel.info.name)
BACKENDS = {
    "transformers": "depthfx.engine.transformers_depth:TransformersModel",
    "marigold": "depthfx.engine.marigold:MarigoldModel",
    "onnx": "depthfx.engine.onnx.model:OnnxModel",
}


def model(name: str = "embedded", context: Context | None = None) -> DepthModel:
    """The depth model called `name`, loaded once per context.

    Where commercial use is asked for, "embedded" is "embedded-clean", if the package has that.

    Raises ModelError if there is none of that name, its weights do not load, or the
    context asks for commercial use and its licence does not allow that.
    """
    context = context or Context()
    if context.commercial_only and name == EmbeddedModel.info.name and not context.weights:
        name = _embedded(context).info.name
    context = replace(context, model=name)
    if context.commercial_only:
        check_licence(name, context)
    how = (context.weights, context.device, context.memory_limit_gb, context.compile)
    key = (__name__, name, *how)
    if key not in context.cache:
        context.cache[key] = _load(name, context)
    found: DepthModel = context.cache[key]
    if context.commercial_only:
        check_commercial(found.info)
    return found


def find_depth(photo: Photo, context: Context) -> Depth:
    """Depth of `photo` by the context's model, which its stamp names; a draft if that will do."""
    stored = stored_depth(photo, context)
    if stored is not None:
        context.report("depth", 1.0)
        return stored
    found = _draft_or_estimate(photo, context)
    keep_depth(photo, context, found)
    return found


def _draft_or_estimate(photo: Photo, context: Context) -> Depth:
    if context.quality == "draft":
        draft = find_draft(photo, context)
        if draft is not None:
            return draft
        context = replace(context, quality="normal")
    return _estimate(photo, context)


def is_stored(photo: Photo, context: Context) -> bool:
    """Whether the context's store seems to have what `find_depth` would find; quickly told."""
    store, source = context.store, _source(context)
    return store is not None and source is not None and store.has_depth(photo, source)


def stored_depth(photo: Photo, context: Context) -> Depth | None:
    """What the context's store has kept of `find_depth`, if anything; no model is loaded."""
    store, source = context.store, _source(context)
    return None if store is None or source is None else store.depth(photo, source)


def keep_depth(photo: Photo, context: Context, depth: Depth) -> None:
    """Keep what `find_depth` has found, or what is the same, in the context's store."""
    store, source = context.store, _source(context)
    if store is not None and source is not None:
        store.keep_depth(photo, source, depth)


def _source(context: Context) -> str | None:
    """What the answers of the context's model depend on, see `engine.identity`.

    None where that cannot be told, and where there is no store to ask.
    """
    if context.store is None:
        return None
    embedded = context.model in EMBEDDED
    if embedded and context.commercial_only and not context.weights:
        context = replace(context, model=_embedded(context).info.name)
    how = (context.model, context.weights, context.device, context.memory_limit_gb)
    key = (f"{__name__}.source", *how, context.compile, context.quality, context.commercial_only)
    if key not in context.cache:
        source = identity(context, embedded=embedded)
        if source is None:  # files that are not here yet will be
            return None
        if context.quality == "draft" and not embedded:  # the embedded network draws it
            source += f" {_source(_for_embedded(context))}"
        context.cache[key] = source
    return str(context.cache[key])


def find_draft(photo: Photo, context: Context) -> Depth | None:
    """A rough depth at once, by the embedded network, for a model that takes its time.

    In the unit of the model asked for: metres if it answers in metres, else relative. None
    where licences must allow commercial use and the embedded network's does not.
    """
    asked = context.model in EMBEDDED
    if context.commercial_only and not (_embedded(context).info.commercial or asked):
        return None
    metric = asked or model(context.model, context).info.metric
    draft = _estimate(photo, replace(_for_embedded(context), quality="draft"))
    words = "draft by the embedded network"
    return replace(draft, origin=words) if metric else _relative(draft, words)


def _relative(depth: Depth, words: str) -> Depth:
    """The same depth without its scale."""
    plain = Depth.relative(depth.inverse, words)
    scale = np.float32(plain.inverse.max() / max(float(depth.inverse.max()), 1e-12))
    behind = None if depth.behind is None else depth.behind * scale
    return replace(plain, behind=behind, coverage=depth.coverage, stamp=depth.stamp)


def _estimate(photo: Photo, context: Context) -> Depth:
    found = model(context.model, context)
    depth = found.estimate(photo, context)
    if depth.stamp:
        return depth
    # A plugin that says nothing of itself.
    weights = hub.checksum(context.weights) if context.weights else found.info.checksum
    stamp = {
        "model": found.info.name,
        "weights_sha256": weights,
        "licence": found.info.licence,
    }
    return replace(depth, stamp=stamp)


def look_ahead(photo: Photo, context: Context) -> None:
    """Let the embedded network look at `photo` already, if that is the model asked for.

    What it saw is kept with the photo, so that depth and matte are found sooner; no compiled
    code is needed for it.
    """
    if context.model in EMBEDDED:
        found = model(context.model, context)
        assert isinstance(found, EmbeddedModel)
        found.predict(photo, context)


def look_together(photos: Sequence[Photo], context: Context) -> None:
    """Let the model asked for look at several photos at once, where it has a way of doing so.

    What it saw is kept with each photo, so that its depth is found sooner.
    """
    if len(photos) < 2 or context.model in EMBEDDED or context.quality == "draft":
        return
    new = [photo for photo in photos if not is_stored(photo, context)]
    if len(new) < 2:
        return
    look_ahead = getattr(model(context.model, context), "look_ahead", None)
    if look_ahead is not None:
        look_ahead(new, context)


def find_matte(photo: Photo, context: Context) -> Plane:
    """The subject's matte (H, W) float32 by the embedded network."""
    if context.commercial_only:
        check_commercial(
            _embedded(context).info,
            "the embedded network, which finds the subject,",
            "what is told its focus (--focus-xy or --focus-m) needs no subject",
        )
    context = _for_embedded(context)
    found = model(context.model, context)
    assert isinstance(found, EmbeddedModel)
    store, source = context.store, _source(context)
    if store is None or source is None:
        return found.matte(photo, context)
    stored = store.matte(photo, source)
    if stored is None:
        stored = found.matte(photo, context)
        store.keep_matte(photo, source, stored)
    return stored


def _embedded(context: Context) -> type[EmbeddedModel]:
    """The embedded network as the context may use it: the clean one for commercial use."""
    clean = entries()[CleanEmbeddedModel.info.name]
    wanted = context.commercial_only and clean.is_ready
    return CleanEmbeddedModel if wanted or context.model == clean.info.name else EmbeddedModel


def _for_embedded(context: Context) -> Context:
    """The same for the embedded network: another model's weights and device are not its own."""
    if context.model in EMBEDDED:
        return context
    return replace(context, model=EmbeddedModel.info.name, weights=None, device="auto")


def matte_stamp(context: Context) -> dict[str, str]:
    """What outputs say of the network that found the matte; empty if none was loaded."""
    loaded = (found for found in context.cache.values() if isinstance(found, EmbeddedModel))
    found = next(loaded, None)
    if found is None:
        return {}
    info = found.info
    return {
        "matte_model": info.name,
        "matte_weights_sha256": found.checksum,
        "matte_licence": info.licence,
    }


def _load(name: str, context: Context) -> DepthModel:
    if name in model_names():
        return model_class(name)(context)
    entry = entries().get(name)
    if entry is not None and entry.answer == "faces":
        raise ModelError(
            f"{name} finds faces, not depth: once fetched, it is used where it is of use; "
            "`depthfx models list` shows the models that find depth"
        )
    if entry is not None and entry.backend in BACKENDS:
        if not entry.is_ready:
            raise ModelError(
                f"{name}: this ONNX model has to be described first, see docs/onnx-models.md, "
                "then --model onnx:FILE.toml"
            )
        found = _backend(entry.backend)(context, entry.source, entry.info)
        if context.weights is None:
            check_weights(entry, found.weights_sha256)
        return found
    prefix, _, source = name.partition(":")
    if source and prefix in PREFIXES:
        return _backend(PREFIXES[prefix])(context, source)
    raise unknown(name)


def _backend(name: str):  # type: ignore[no-untyped-def]  # a class, imported when it is needed
    module, _, attribute = BACKENDS[name].partition(":")
    return getattr(import_module(module), attribute)


def fit(depth: Depth, photo: Photo, path: Path) -> Depth:
    """`depth`, read from `path`, brought to the photo's size along its edges.

    Raises DepthError if it has another shape than the photo.
    """
    if depth.metric and float(np.median(depth.inverse)) > 1 / NEAREST_M:
        raise DepthError(
            f"{path}: most of it is nearer than {NEAREST_M * 1000:g} mm; is its unit right? "
            "--depth-unit says what it is"
        )
    (height, width), (rows, columns) = photo.shape, depth.shape
    if abs(columns * height / (rows * width) - 1) > ASPECT_TOLERANCE:
        raise DepthError(
            f"{path} is {columns} x {rows}, which is another shape than the photo's "
            f"{width} x {height}; crop it as the photo was cropped"
        )
    if depth.shape == photo.shape:
        return depth
    fine = refine(photo.pixels, depth.inverse)
    return replace(depth, inverse=fine.inverse, behind=fine.behind, coverage=fine.coverage)
