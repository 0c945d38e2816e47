"""Attribution maps of an answer, and measures of how far they can be trusted."""

from __future__ import annotations

from ..._moved import old_names
from .finding import Attribution, find_attribution
from .focus import Focus, measure_focus
from .map_agreement import TOP_FRACTION, Agreement, compare_maps
from .maps import AttributionMaps, map_attribution
from .methods import LAYERS, METHODS, OF, RING_MM, ExplanationOptions, Method, map_label
from .one_pass import OnePass
from .perturbation_curves import Curves, trace_curves

__all__ = [
    "LAYERS",
    "METHODS",
    "OF",
    "RING_MM",
    "TOP_FRACTION",
    "Agreement",
    "Attribution",
    "AttributionMaps",
    "Curves",
    "ExplanationOptions",
    "Focus",
    "Method",
    "OnePass",
    "compare_maps",
    "find_attribution",
    "map_attribution",
    "map_label",
    "measure_focus",
    "trace_curves",
]

__getattr__ = old_names(__name__)
