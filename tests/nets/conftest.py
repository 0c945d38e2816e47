"""Networks with seeded weights, opened once, and the two oracles they are held to."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from nets import cases

from spinalcord.errors import BackendError
from spinalcord.models.network import Network

Open = Callable[..., Network]
Oracle = Callable[[cases.Case], dict[str, cases.Expected]]


@pytest.fixture(scope="session")
def open_case(tmp_path_factory: pytest.TempPathFactory) -> Open:
    """open_case(case, precision="f32", threads=2): the case's network, from a model file."""
    folder = tmp_path_factory.mktemp("models")
    opened: dict[tuple[str, str, int], Network] = {}

    def open_network(case: cases.Case, precision: str = "f32", threads: int = 2) -> Network:
        key = (case.model_name, precision, threads)
        if key not in opened:
            opened[key] = Network.open(cases.write_case(folder, case), precision, threads)
        return opened[key]

    return open_network


@pytest.fixture(scope="session")
def bf16_or_skip(open_case: Open) -> None:
    """Skip where the CPU has no bf16; where it has, a refusal is a failure."""
    try:
        open_case(cases.CASES[0], "bf16")
    except BackendError as error:
        if {"avx512_bf16", "amx_bf16"} & cpu_flags():
            raise
        pytest.skip(f"no bf16 here: {error}")


def cpu_flags() -> set[str]:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("flags"):
            return set(line.split(":", 1)[1].split())
    return set()


@pytest.fixture(scope="session", params=["golden", "live"])
def oracle(request: pytest.FixtureRequest) -> Oracle:
    """PyTorch's answers: as stored, and as computed here and now where torch is installed."""
    if request.param == "live":
        pytest.importorskip("torch", reason="torch is not installed")
        return cache_by_name(cases.ask_torch)
    return cache_by_name(cases.read_golden)


def cache_by_name(ask: Oracle) -> Oracle:
    known = {case.kind + case.name: case for case in cases.CASES}
    answer = cache(lambda key: ask(known[key]))
    return lambda case: answer(case.kind + case.name)
