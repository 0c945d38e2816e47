"""Plots of single results with matplotlib, which the extras `report` and `notebook` bring.

`Segmentation.plot`, `Diagnosis.plot` and `Explanation.plot` call these; `draw_*` take `ax=` and
return the axes that they have drawn on, `plot_*` take `figure=` (a figure or a subfigure) and
return it.

>>> from spinalcord import plots
>>> figure = plots.plot_segmentation(segmentation)  # doctest: +SKIP
>>> figure.savefig("lesions.pdf")  # doctest: +SKIP
"""

from __future__ import annotations

from .answers import draw_diagnoses, draw_tasks
from .composing import plot_diagnosis, plot_explanation, plot_result, plot_scene, plot_segmentation
from .slices import draw_slice
from .viewing import view_scene

__all__ = [
    "draw_diagnoses",
    "draw_slice",
    "draw_tasks",
    "plot_diagnosis",
    "plot_explanation",
    "plot_result",
    "plot_scene",
    "plot_segmentation",
    "view_scene",
]
