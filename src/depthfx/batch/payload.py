"""One depth or matte as a file of the cache: safetensors, its planes packed, with a checksum.

The header says in JSON what it is; then come the packed planes as tensors of bytes, and as the
last one, "sha256", the SHA-256 of all that stands before it. Nothing in it is ever run.

The format is that of https://github.com/huggingface/safetensors: the header's length in 8 bytes,
the header in JSON, the tensors' bytes without a gap. It is simple enough to be written here, so
that a cache does not need the library.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from depthfx.batch.packing import packed, unpacked
from depthfx.depth import Depth, Plane
from depthfx.errors import ShapeError

NUMBERS = ("focal_px", "focal_error", "scale_error", "model_error")
"""Fields of a `Depth` that are a number or None."""
SUM_BYTES = hashlib.sha256().digest_size


class DamagedError(ValueError):
    """These bytes are not what was written."""


def of_depth(depth: Depth) -> bytes:
    """`depth` with all its fields, to be read by `to_depth`.

    Raises TypeError if a field holds what a `Depth` does not.
    """
    about = {
        "kind": "depth",
        "shape": depth.shape,
        "metric": bool(depth.metric),
        "origin": depth.origin,
        "stamp": dict(depth.stamp),
        **{name: _number(getattr(depth, name)) for name in NUMBERS},
    }
    planes = {"inverse": packed(depth.inverse)}
    if depth.behind is not None:
        planes["behind"] = packed(depth.behind, depth.inverse)
    if depth.coverage is not None:
        planes["coverage"] = packed(depth.coverage)
    return _written(about, planes)


def to_depth(data: bytes, shape: tuple[int, int]) -> Depth:
    """What `of_depth` was given, bit for bit, which was of that shape (H, W).

    Raises DamagedError if `data` is anything else.
    """
    with _damaged():
        about, planes = _read(data, "depth", shape)
        inverse = unpacked(planes["inverse"], shape)
        behind = unpacked(planes["behind"], shape, inverse) if "behind" in planes else None
        coverage = unpacked(planes["coverage"], shape) if "coverage" in planes else None
        return Depth(
            inverse,
            about["metric"],
            about["origin"],
            behind,
            coverage,
            stamp=about["stamp"],
            **{name: _from_number(about[name]) for name in NUMBERS},
        )


def of_matte(matte: Plane) -> bytes:
    """`matte` (H, W) float32, to be read by `to_matte`."""
    return _written({"kind": "matte", "shape": matte.shape}, {"matte": packed(matte)})


def to_matte(data: bytes, shape: tuple[int, int]) -> Plane:
    """What `of_matte` was given, bit for bit; the rest as of `to_depth`."""
    with _damaged():
        return unpacked(_read(data, "matte", shape)[1]["matte"], shape)


@contextmanager
def _damaged() -> Iterator[None]:
    """Whatever nonsense does to who reads it, as the one error."""
    try:
        yield
    except DamagedError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        ShapeError,
        TypeError,
        ValueError,
        struct.error,
    ) as error:
        raise DamagedError(f"{type(error).__name__}: {error}") from None


def _written(about: Mapping[str, Any], planes: Mapping[str, bytes]) -> bytes:
    header: dict[str, Any] = {"__metadata__": {"about": json.dumps(about)}}
    start = 0
    for name, size in [
        *((name, len(data)) for name, data in planes.items()),
        ("sha256", SUM_BYTES),
    ]:
        header[name] = {"dtype": "U8", "shape": [size], "data_offsets": [start, start + size]}
        start += size
    words = json.dumps(header).encode()
    words += b" " * (-len(words) % 8)
    body = b"".join([struct.pack("<Q", len(words)), words, *planes.values()])
    return body + hashlib.sha256(body).digest()


def _read(
    data: bytes, kind: str, shape: tuple[int, int]
) -> tuple[dict[str, Any], dict[str, memoryview]]:
    """What was said of the planes, and the packed planes."""
    whole = memoryview(data)
    body, told = whole[:-SUM_BYTES], whole[-SUM_BYTES:]
    if len(data) < SUM_BYTES or hashlib.sha256(body).digest() != told:
        raise DamagedError("its checksum is another")
    (size,) = struct.unpack_from("<Q", body)
    header = json.loads(bytes(body[8 : 8 + size]))
    about = json.loads(header.pop("__metadata__")["about"])
    if (about["kind"], *about["shape"]) != (kind, *shape):
        raise DamagedError(f"it is a {about['kind']} of {about['shape']}, not a {kind} of {shape}")
    header.pop("sha256")
    tensors = body[8 + size :]
    places = {name: tensor["data_offsets"] for name, tensor in header.items()}
    return about, {name: tensors[start:stop] for name, (start, stop) in places.items()}


def _number(value: Any) -> Any:
    """`value` as JSON has it: a float of its 17 digits, one of 32 bits told as such."""
    if value is None or isinstance(value, float | int):
        return value
    if isinstance(value, np.float32):
        return {"float32": float(value)}
    raise TypeError(f"{value!r} is no number that a depth has")


def _from_number(value: Any) -> Any:
    return np.float32(value["float32"]) if isinstance(value, dict) else value
