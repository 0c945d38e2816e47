"""Programs of the folder `benchmarks`, for tests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


def load(name: str, monkeypatch: Any) -> Any:
    """Import a program from its folder, which stays importable during a test."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for module in (name, "bench_networks"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return __import__(name)
