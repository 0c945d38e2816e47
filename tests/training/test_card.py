"""spinalcord.training.card: figures with intervals, and blanks that are kept once filled in."""

from __future__ import annotations

import json

import numpy as np
import pytest

from spinalcord.stats.means import mean
from spinalcord.stats.proportions import proportion
from spinalcord.stats.roc import auc
from spinalcord.training.settings import Settings

pytest.importorskip("torch", reason="torch is not installed")
cards = pytest.importorskip("spinalcord.training.card")
plans = pytest.importorskip("spinalcord.training.plan")

PLAN = plans.TrainingPlan(
    targets=("segmentation", "ms_vs_nmosd"),
    not_trained={"diagnosis": "no case of split train with diagnosis astrocytoma"},
    settings={"segmentation": Settings()},
    decisions=(plans.Decision("pixel size", "1 mm", "median spacing", "--pixel-mm"),),
    facts={"cases": 12, "patients": 11, "diagnoses": "MS 6, NMOSD 6", "splits": "5 folds",
           "device": "a CPU, f32"},
)  # fmt: skip


def rows():
    rng = np.random.default_rng(0)
    made = []
    for k in range(12):
        truth = "NMOSD" if k % 2 else "MS"
        p = float(rng.random())
        made.append({
            "case_id": f"c{k}", "participant_id": f"p{max(k, 1)}", "found": k != 3,
            "dice": 0.4 + 0.04 * k, "reference_n_lesions": 1, "reference_diagnosis": truth,
            "ms_vs_nmosd_probability": None if k == 3 else p,
            "ms_vs_nmosd_label": "NMOSD" if p > 0.5 else "MS",
        })  # fmt: skip
    made.append({"case_id": "free", "participant_id": "free", "found": True, "dice": 0.0,
                 "reference_n_lesions": 0, "reference_diagnosis": None})  # fmt: skip
    return made


def write_run(folder):
    folder.mkdir()
    table = rows()
    columns = list(table[0])
    lines = ["\t".join(columns)]
    for row in table:
        values = (row.get(c) for c in columns)
        lines.append("\t".join(
            "n/a" if v is None else str(v).lower() if isinstance(v, bool) else str(v)
            for v in values
        ))  # fmt: skip
    (folder / "cases.tsv").write_text("\n".join(lines) + "\n")
    about = {"Spinalcord": {"counts": {"failed": 2}}}
    (folder / "dataset_description.json").write_text(json.dumps(about))
    return folder


def test_figures_are_those_of_the_statistics():
    found = dict(cards.figures(rows()))
    ill = rows()[:12]
    all_dice = mean([r["dice"] for r in ill], method="bootstrap-t", bounds=(0, 1))
    assert found["Dice score"].estimate == all_dice.estimate
    assert (found["Dice score"].low, found["Dice score"].high) == (all_dice.low, all_dice.high)
    assert found["Dice score, MS"].n == found["Dice score, NMOSD"].n == 6
    assert found["lesion found where there is one"].estimate == proportion(11, 12).estimate
    assert found["lesion found where there is none"].estimate == 1.0
    known = [r for r in ill if r["found"]]
    area = auc([r["reference_diagnosis"] == "NMOSD" for r in known],
               [r["ms_vs_nmosd_probability"] for r in known])  # fmt: skip
    assert found["ms_vs_nmosd: AUC"].estimate == area.estimate
    assert found["ms_vs_nmosd: sensitivity for NMOSD"].n == 5
    assert not any(name.startswith("tumor") for name in found)


def test_the_card_tells_what_was_done_and_asks_for_the_rest(tmp_path):
    run = write_run(tmp_path / "out-of-fold")
    chosen = {"threshold": 0.4, "threshold_from": "out-of-fold", "ms_vs_nmosd": 0.61}
    path = cards.write_card(tmp_path, run, PLAN, "shipped", "for research", chosen)
    text = path.read_text()
    assert path.name == "model-card.md"
    assert "Notice: for research." in text
    assert "`out-of-fold`: 12 patients" in text  # two scans are of one
    assert "2 cases failed" in text
    assert "not trained: diagnosis: no case" in text
    assert "| ms_vs_nmosd | 0.61 |" in text
    assert "| pixel size | 1 mm | median spacing |" in text
    assert text.count("*To be filled in: ") == len(cards.BLANKS)
    filled = text.replace("*To be filled in: of the weights.*", "the neuroradiology\n\nof X")
    path.write_text(filled)
    cards.write_card(tmp_path, run, PLAN, "shipped", "for research", chosen)
    assert path.read_text() == filled
