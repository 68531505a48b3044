"""A Ray cluster to work on: one that is there, or one of this machine's own for a run."""

from __future__ import annotations

import logging
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from depthfx import machine
from depthfx.errors import DepthfxError, ParameterError

LOCAL, CLIENT, MEMBER = "ray", "ray://", "ray:"
OBJECT_STORE_BYTES = 100_000_000
"""Of a Ray of our own: what goes through it are names and results, a few KB each."""
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Names of Ray's own: nothing is sent home, and a warning less."""
TOKEN = "; if the cluster asks for a token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN here, too"
KNOCK_S = 10.0
SHORT = Path("/tmp")
"""Ray's sockets lie in its temporary folder, and their paths may have no more than 107 bytes."""


@contextmanager
def cluster(address: str, count: int | None, verbose: bool) -> Iterator[Any]:
    """The module `ray`, connected; what was started or connected for it is ended with the block.

    address : see `on_ray`
    count : of workers that a Ray of our own has to have room for; None: one a core
    verbose : whether Ray may talk on the terminal

    A Ray that the calling program has started itself is used and left as it is. Raises
    ParameterError for an address that is none, DepthfxError if there is no such cluster.
    """
    where = _where(address)
    folder = tempfile.TemporaryDirectory(
        prefix="depthfx-ray-",
        dir=SHORT if SHORT.is_dir() else None,
        ignore_cleanup_errors=True,
    )
    with _environment(QUIET), folder as temporary:
        try:
            import ray
        except ImportError:
            raise DepthfxError(f"--on {address} needs Ray: pip install 'depthfx[ray]'") from None
        if ray.is_initialized():
            yield ray
            return
        own = {
            "num_cpus": max(count or 1, machine.cores()),
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE_BYTES,
            "_temp_dir": temporary,
        }
        try:
            _knock(where)
            with _own_sigterm():
                ray.init(
                    where,
                    log_to_driver=verbose,
                    logging_level=logging.INFO if verbose else logging.CRITICAL,
                    **(own if where == "local" else {}),
                )
        except Exception as error:
            ray.shutdown()
            token = "" if where == "local" else TOKEN
            raise DepthfxError(
                f"--on {address}: Ray cannot be reached or started there: {last_line(error)}{token}"
            ) from error
        try:
            yield ray
        finally:
            ray.shutdown()


def _knock(where: str) -> None:
    """Raise OSError if nobody answers there, where Ray would wait for ever."""
    host, _, port = where.removeprefix(CLIENT).rpartition(":")
    if port.isdecimal():
        socket.create_connection((host, int(port)), KNOCK_S).close()


def _where(address: str) -> str:
    """The address as `ray.init` wants it. Raises ParameterError."""
    if address == LOCAL:
        return os.environ.get("RAY_ADDRESS") or "local"
    if address.startswith(CLIENT):
        where, port = address, address.removeprefix(CLIENT)
    else:
        where = port = address.removeprefix(MEMBER) if address.startswith(MEMBER) else ""
    if where == "auto" or port.rpartition(":")[2].isdecimal():
        return where
    raise ParameterError(
        f"--on {address}: is none of ray (the cluster of RAY_ADDRESS, else this machine), "
        "ray://HOST:10001 (a cluster's client server) and ray:HOST:6379 (from one of its machines)"
    )


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Ray sets what SIGTERM does; after the block it does what it did before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """These in the environment where nothing else is, for the time of the block."""
    new = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


def resources(ray: Any) -> str:
    """What the cluster has, in words."""
    there = ray.cluster_resources()
    return f"{there.get('CPU', 0):g} CPUs and {there.get('GPU', 0):g} GPUs"


def last_line(error: BaseException) -> str:
    """The last line of what Ray says; its traces stand before it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]


def missing_module(error: BaseException) -> str:
    """The line of what Ray says in which a module is missing; "" if none is."""
    lines = [line.strip() for line in str(error).splitlines() if "No module named" in line]
    return lines[-1][:200] if lines else ""
