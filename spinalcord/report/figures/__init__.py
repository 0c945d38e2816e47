"""Figures of a cohort: each takes `ax=` and returns the axes it has drawn on.

>>> from spinalcord.report import Cohort, figures
>>> cohort = Cohort(
...     {
...         "case_id": [f"sub-{i:02}" for i in range(40)],
...         "reference_diagnosis": ["MS", "NMOSD"] * 20,
...         "ms_vs_nmosd_probability": [0.2, 0.7, 0.4, 0.9, 0.6, 0.5, 0.1, 0.8] * 5,
...     }
... )
>>> ax = figures.draw_roc(cohort)
>>> ax.figure.savefig("roc.svg")

Colours are Okabe and Ito's, told apart by eyes of all kinds; lines and markers differ too, so that
print in grey does.
"""

from __future__ import annotations

from .flowchart import draw_flow
from .forest import draw_subgroups
from .lesion_overlap import draw_dice, draw_recall
from .matrices import draw_agreement, draw_confusion
from .performance_curves import draw_decision_curve, draw_reliability, draw_roc
from .smooth_calibration import draw_calibration_curve

__all__ = [
    "draw_agreement",
    "draw_calibration_curve",
    "draw_confusion",
    "draw_decision_curve",
    "draw_dice",
    "draw_flow",
    "draw_recall",
    "draw_reliability",
    "draw_roc",
    "draw_subgroups",
]
