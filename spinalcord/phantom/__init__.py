"""Synthetic sagittal T2w scans of the spinal cord, and lesions put into real scans.

>>> from spinalcord import phantom
>>> case = phantom.make_case("MS", seed=1)
>>> case.t2.shape == case.lesion.shape
True

What is learned from phantoms, and measured on them, says nothing about patients.
"""

from __future__ import annotations

from .case import Case, make_case
from .insertion import Insertion, insert_lesion
from .lesions import DIAGNOSES

__all__ = ["DIAGNOSES", "Case", "Insertion", "insert_lesion", "make_case"]
