"""What the machine lends: cores and memory, as the system and containers tell it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from depthfx import machine


def test_one_core_is_allowed_at_least() -> None:
    assert 1 <= machine.cores() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be told apart")
def test_cores_are_those_this_process_may_use() -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert machine.cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize(("quota", "cores"), [("150000 100000", 2), ("50000 100000", 1)])
def test_the_share_of_a_container_bounds_the_cores(tmp_path, monkeypatch, quota, cores) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    assert machine.cores() == min(cores, len(os.sched_getaffinity(0)))


def test_the_limit_of_a_container_bounds_the_memory(tmp_path, monkeypatch) -> None:
    (tmp_path / "memory.max").write_text("1000000")
    (tmp_path / "memory.current").write_text("400000")
    (tmp_path / "memory.stat").write_text("anon 200000\ninactive_file 100000\n")
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    assert machine.memory_bytes() == 700_000


def test_no_limit_is_no_bound(tmp_path, monkeypatch) -> None:
    unlimited = machine.memory_bytes()
    (tmp_path / "memory.max").write_text("max")
    (tmp_path / "cpu.max").write_text("max 100000")
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    assert unlimited is not None
    assert machine.memory_bytes() > unlimited / 2


@pytest.mark.parametrize(("told", "threads"), [("3", 3), ("4,2", 4)])
def test_threads_are_as_openmp_is_told(monkeypatch, told, threads) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert machine.threads() == threads


@pytest.mark.parametrize("told", ["", "0", "many"])
def test_else_they_are_the_cores(monkeypatch, told) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert machine.threads() == machine.cores()


def test_where_the_users_programs_keep_things(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert machine.user_folder("cache") == tmp_path / "depthfx"
    assert machine.user_folder("state") == Path.home() / ".local" / "state" / "depthfx"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert machine.user_folder("cache").parts[-2:] == ("Caches", "depthfx")
