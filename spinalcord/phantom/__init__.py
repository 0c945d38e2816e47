"""Synthetic sagittal T2w scans of the spinal cord, and lesions put into real scans.

>>> from spinalcord import phantom
>>> case = phantom.make_case("MS", seed=1)
>>> case.t2.shape == case.lesion.shape
True

What is learned from phantoms, and measured on them, says nothing about patients.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .case import Case, make_case
    from .dataset import make_cohort
    from .insertion import Insertion, insert_lesion
    from .lesion_geometry import DIAGNOSES

# Imported when first used, so that the command line's help is fast.
_HOME = {
    "DIAGNOSES": "lesion_geometry",
    "Case": "case",
    "Insertion": "insertion",
    "insert_lesion": "insertion",
    "make_case": "case",
    "make_cohort": "dataset",
}

__all__ = ["DIAGNOSES", "Case", "Insertion", "insert_lesion", "make_case", "make_cohort"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'spinalcord.phantom' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
