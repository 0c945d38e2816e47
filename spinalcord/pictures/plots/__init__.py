"""Plots of single results with matplotlib, which the extras `report` and `notebook` bring.

`Segmentation.plot`, `Diagnosis.plot` and `Explanation.plot` call these; `draw_*` take `ax=` and
return the axes that they have drawn on, `plot_*` take `figure=` (a figure or a subfigure) and
return it.

>>> import spinalcord as sc
>>> from spinalcord.pictures import plots
>>> phantom = sc.phantom.make_case("MS", 5, region="cervical", kind="2d")
>>> figure = plots.plot_segmentation(sc.segment(phantom.t2))
>>> figure.savefig("lesions.pdf")
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
