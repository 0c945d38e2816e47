"""Where in an image the evidence for an answer lies, and how far such a map can be trusted."""

from __future__ import annotations

from .finding import Evidence, find_evidence
from .focus import Focus, measure_focus
from .map_agreement import TOP_FRACTION, Agreement, compare_maps
from .maps import EvidenceMaps, map_evidence
from .methods import LAYERS, METHODS, OF, RING_MM, Manner, Method, map_label
from .perturbation_curves import Curves, trace_curves

__all__ = [
    "LAYERS",
    "METHODS",
    "OF",
    "RING_MM",
    "TOP_FRACTION",
    "Agreement",
    "Curves",
    "Evidence",
    "EvidenceMaps",
    "Focus",
    "Manner",
    "Method",
    "compare_maps",
    "find_evidence",
    "map_evidence",
    "map_label",
    "measure_focus",
    "trace_curves",
]
