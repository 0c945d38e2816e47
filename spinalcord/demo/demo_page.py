"""Write the demo page: phantom, results, attribution maps, and the commands to repeat it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__, _core
from ..analysis.results import table_html
from ..pictures.document import document, titled
from ..pictures.mosaic import draw_mosaic
from ..pictures.scene import Scene
from ..scans.writing import write_text
from ..tasks import DIAGNOSES, TASKS
from .demo_run import DIFFICULTY, KIND, Demo, true_answer
from .outlines import STYLE, draw_lesions

_MOST_MAPS = 5  # slices of a map
_MOST_LESIONS = 20  # rows

_STYLE = """
th { text-align: left; }
th:not([scope]) { border-bottom: 1.5px solid #1a1a1a; }
pre { background: #f4f4f4; padding: .7rem 1rem; overflow-x: auto; font-size: .9rem; }
.bar { position: relative; height: 1.2rem; background: #e4e4e4; max-width: 34rem; }
.bar i { position: absolute; left: 0; top: 0; bottom: 0; background: #0072B2; }
.bar b { position: absolute; top: -.25rem; bottom: -.25rem; width: 3px; background: #1a1a1a; }
.ends { display: flex; justify-content: space-between; max-width: 34rem; font-size: .84rem; }
.question { margin: 1.2rem 0; }
.question p { margin: .2rem 0; }
"""


def write_page(demo: Demo, path: str | os.PathLike[str]) -> Path:
    """Write a demo as one self-contained HTML page.

    Parameters
    ----------
    demo : Demo
    path : path-like
        The file; its folder is created if absent.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        A place that cannot be written.
    """
    return write_text(path, demo_html(demo))


def demo_html(demo: Demo) -> str:
    """Return the page.

    Parameters
    ----------
    demo : Demo

    Returns
    -------
    str
        HTML document with embedded pictures, without external resources.
    """
    parts = {
        "In short": _summary(demo),
        "The scan": _phantom(demo),
        "The lesion": _lesion(demo),
        "What it looks like": _answers(demo),
        "Attribution": _attribution(demo),
        "How long it took": _seconds(demo),
        "Do it yourself": _recipe(demo),
        "Made with": _made_with(demo),
    }
    return document(
        "spinalcord demo: a synthetic case, from scan to explanation",
        demo.notices,
        "".join(titled(title, body) for title, body in parts.items()),
        sections=parts,
        footer=f"<p>Made by spinalcord {escape(__version__)}.</p>",
        style=STYLE + _STYLE,
    )


# ---- Sections ---------------------------------------------------------------------------------


def _summary(demo: Demo) -> str:
    drawn, found = (demo.volume_mm3(mask) for mask in ("reference", "found"))
    counts = {m: sum(row["mask"] == m for row in demo.lesions) for m in ("reference", "found")}
    verdict = "right" if demo.answer == demo.truth else "wrong"
    lines = [
        f"Drawn: {_name(demo.truth)}; {_number(counts['reference'])} of {drawn:.0f} mm³ together.",
        f"Found: {_number(counts['found'])} of {found:.0f} mm³ together; Dice {demo.dice:.2f}.",
        f"Answer: {_name(demo.answer)}, which is {verdict}.",
        f"{sum(demo.seconds.values()):.1f} seconds in all.",
    ]
    lines += [f"Warning: {text}" for text in demo.warnings]
    return _list(lines)


def _phantom(demo: Demo) -> str:
    facts = demo.phantom.parameters
    protocol, anatomy = facts["protocol"], facts["anatomy"]
    scan = demo.phantom.t2
    spacing = " × ".join(f"{mm:.2f}" for mm in scan.sagittal_spacing_mm)
    levels = [str(row["level"]) for row in facts["lesions"]]
    rows = [
        ("diagnosis drawn", _name(demo.truth)),
        ("seed", str(demo.seed)),
        ("difficulty", f"{DIFFICULTY:g}, from 0 (typical) to 1 (mixed with its look-alike)"),
        ("lesion at the height of", ", ".join(levels) or "none"),
        ("anatomy", f"{anatomy['age']:.0f} years, {anatomy['sex']}, {protocol['region']} spine"),
        (
            "scan",
            f"sagittal T2w at {protocol['field_t']:g} T, {protocol['n_slices']} slices; voxels of "
            f"{spacing} mm (left-right, head-foot, front-back)",
        ),
    ]
    text = (
        "Anatomy, lesion and scanner were simulated, from published descriptions of what these "
        "diseases look like. The truth is therefore known to the voxel."
    )
    return f"<p>{escape(text)}</p>{_facts(rows)}"


def _lesion(demo: Demo) -> str:
    segmentation = demo.case.segmentation
    assert segmentation is not None
    drawn, found = demo.phantom.lesion, segmentation.mask
    both = demo.phantom.t2.like(((drawn.array != 0) | (found.array != 0)).astype(np.uint8))
    scene = Scene(demo.phantom.t2, both)
    pictures = draw_lesions(scene, drawn.sagittal().array, found.sagittal().array)
    names = {
        "volume_mm3": "volume (mm³)",
        "length_mm": "head to foot (mm)",
        "width_mm": "front to back (mm)",
        "depth_mm": "left to right (mm)",
        "max_diameter_mm": "largest diameter (mm)",
    }
    rows = []
    for row in demo.lesions[:_MOST_LESIONS]:
        mask, other = ("drawn", "found") if row["mask"] == "reference" else ("found", "drawn")
        cells: dict[str, Any] = {"lesion": f"{mask} {row['label']}"}
        cells |= {title: row[key] for key, title in names.items()}
        cells["covered by the other outline"] = f"{row['overlap_fraction']:.0%} {other}"
        rows.append(cells)
    table = table_html(rows, tuple(rows[0]) if rows else ())
    total = f"Dice of drawn and found voxels: {demo.dice:.3f} (1: the same, 0: nothing in common)."
    return f'{pictures}<p>{escape(total)}</p><div class="table">{table}</div>'


def _answers(demo: Demo) -> str:
    diagnosis = demo.diagnosis
    if not diagnosis.found:
        return "<p>No lesion was found, so nothing was classified.</p>"
    parts = []
    for name, answer in diagnosis.tasks.items():
        task = TASKS[name]
        truth = true_answer(task, demo.truth)
        verdict = "the question does not apply to what was drawn"
        if truth is not None:
            verdict = f"drawn was {truth}: {'right' if truth == answer.label else 'wrong'}"
        n = len(answer.slices)
        parts.append(
            f'<div class="question"><p><b>{escape(f"{task.negative} or {task.positive}?")}</b> '
            f"{escape(f'Answer {answer.label}; {verdict}.')}</p>"
            + _bar(answer.probability, answer.threshold, f"probability of {task.positive}")
            + f'<div class="ends"><span>0: {escape(task.negative)}</span><span>'
            f"{answer.probability:.3f}, threshold {answer.threshold:.3g}, mean of {n} "
            f"slice{'s' * (n != 1)}</span><span>1: {escape(task.positive)}</span></div></div>"
        )
    rows = [
        {"diagnosis": name, "probability": f"{diagnosis.probabilities[name]:.3f}"}
        for name in DIAGNOSES
    ]
    text = (
        "The first answer decides which of the other two counts. The black line is the threshold "
        "that the model file sets: at it or to its right, the answer is the one on the right."
    )
    return (
        f"<p>{escape(text)}</p>{''.join(parts)}<p>Along the chain, for the four diagnoses:</p>"
        f'<div class="table">{table_html(rows, ("diagnosis", "probability"))}</div>'
    )


def _attribution(demo: Demo) -> str:
    if not demo.case.explanations:
        return "<p>No lesion was found, so there is nothing to explain.</p>"
    text = (
        "Grad-CAM: which regions of the lesion's slices spoke for the answer (orange to yellow) "
        "and against it (blue). It is coarse: one of its pixels is 3 cm wide."
    )
    parts = [f"<p>{escape(text)}</p>"]
    assert demo.case.segmentation is not None
    for name, explanation in demo.case.explanations.items():
        task = TASKS[name]
        title = f"{task.negative} or {task.positive}? Attribution for {explanation.target}"
        inside = explanation.inside_fraction
        share = "There is no positive attribution." if inside is None else (
            f"{inside:.0%} of the positive attribution lies within the lesion."
        )  # fmt: skip
        label = f"attribution for {explanation.target}, in the logit's units"
        scene = Scene(
            demo.phantom.t2,
            demo.case.segmentation.mask,
            heat=explanation.map,
            heat_label=label,
        )
        parts.append(
            f"<p><b>{escape(title)}.</b> {escape(share)}</p>"
            + draw_mosaic(scene, most=_MOST_MAPS).to_html()
        )
    return "".join(parts)


def _seconds(demo: Demo) -> str:
    rows = [{"step": name, "seconds": f"{value:.2f}"} for name, value in demo.seconds.items()]
    record = demo.diagnosis.record
    with_what = f"{record.threads} thread{'s' * (record.threads != 1)}, {record.precision}."
    return f"<p>{escape(with_what)}</p>{table_html(rows, ('step', 'seconds'))}"


def _recipe(demo: Demo) -> str:
    truth = None if demo.truth is None else demo.truth
    python = f"""import spinalcord as sc
from spinalcord import phantom

case = phantom.make_case({truth!r}, {demo.seed}, difficulty={DIFFICULTY}, kind={KIND!r})
result = sc.Pipeline().run(case.t2)  # or a path: "t2.nii.gz", a DICOM folder, a zip
result.segmentation.lesions  # in millimetres; .mask, .probability, .cord on the scan's grid
result.diagnosis.probabilities
result.explanations["tumor_vs_demyelination"].inside_fraction
result.segmentation.save("out/")
"""
    shell = """spinalcord segment SCAN -o out/
spinalcord classify SCAN -o out/
spinalcord explain SCAN --task tumor_vs_demyelination -o out/
spinalcord run BIDS_FOLDER out/    # many scans, with tables
"""
    text = (
        "On a scan of your own the same calls work, with the same reservation: models that were "
        "trained on synthetic lesions say nothing reliable about patients. To train on a cohort "
        "of your own: spinalcord train --help."
    )
    return (
        f"<p>In Python:</p><pre>{escape(python)}</pre><p>On the command line, where SCAN is a "
        f"NIfTI, NRRD or MetaImage file, or a DICOM file, folder or zip:</p>"
        f"<pre>{escape(shell)}</pre><p>{escape(text)}</p>"
    )


def _made_with(demo: Demo) -> str:
    cpu = _core.cpu()
    models = [
        {
            "model": f"{model['name']} {model['version']}",
            "for": model["role"],
            "network": model["network"],
            "sha256": str(model["sha256"])[:16] + "…",
        }
        for model in demo.diagnosis.record.models
    ]
    rows = [
        ("spinalcord", __version__),
        ("NumPy", np.__version__),
        ("Python", sys.version.split()[0]),
        ("instruction set", str(cpu["isa"])),
    ]
    table = table_html(models, ("model", "for", "network", "sha256"))
    return f'{_facts(rows)}<div class="table">{table}</div>'


# ---- Pieces -----------------------------------------------------------------------------------


def _name(diagnosis: str | None) -> str:
    return diagnosis or "no lesion"


def _number(n: int) -> str:
    return f"{n} lesion{'s' * (n != 1)}"


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _facts(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f'<div class="table"><table>{cells}</table></div>'


def _bar(value: float, cut: float, what: str) -> str:
    said = f"{what}: {value:.3f}; threshold {cut:.3g}"
    return (
        f'<div class="bar" role="img" aria-label="{escape(said)}">'
        f'<i style="width:{100 * value:.1f}%"></i><b style="left:{100 * cut:.1f}%"></b></div>'
    )
