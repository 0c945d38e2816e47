"""Run a synthetic case through the whole pipeline, and write a page.

>>> from spinalcord.demo import run_demo, write_page
>>> demo = run_demo()
>>> demo.truth, 0 <= demo.dice <= 1
('ependymoma', True)
>>> page = write_page(demo, "demo.html")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .demo_page import write_page
    from .demo_run import Demo, run_demo

# Imported when first used, so that the command line's help is fast.
_HOME = {"Demo": "demo_run", "run_demo": "demo_run", "write_page": "demo_page"}

__all__ = ["Demo", "run_demo", "write_page"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'spinalcord.demo' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
