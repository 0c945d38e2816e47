"""Synthetic sagittal T2w scans of the spinal cord, and synthetic lesions for real scans.

>>> from spinalcord import phantom
>>> case = phantom.make_case("MS", seed=1, region="cervical", kind="2d")
>>> case.t2.shape == case.lesion.shape
True

Results obtained on phantoms, or by training on them, say nothing about patients.

`DIAGNOSES` names the four diagnoses, `STYLES` the ways of drawing a lesion and `HELD_OUT_STYLE` the
style reserved for evaluation:

>>> phantom.DIAGNOSES
('astrocytoma', 'ependymoma', 'MS', 'NMOSD')
>>> phantom.HELD_OUT_STYLE in phantom.STYLES
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .case import Case, make_case
    from .dataset import make_cohort
    from .insertion import Insertion, insert_lesion
    from .lesion_geometry import DIAGNOSES, HELD_OUT_STYLE, STYLES

# Imported on first use, to keep the command line's help fast.
_HOME = {
    "DIAGNOSES": "lesion_geometry",
    "HELD_OUT_STYLE": "lesion_geometry",
    "STYLES": "lesion_geometry",
    "Case": "case",
    "Insertion": "insertion",
    "insert_lesion": "insertion",
    "make_case": "case",
    "make_cohort": "dataset",
}

__all__ = [
    "DIAGNOSES",
    "HELD_OUT_STYLE",
    "STYLES",
    "Case",
    "Insertion",
    "insert_lesion",
    "make_case",
    "make_cohort",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'spinalcord.phantom' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
