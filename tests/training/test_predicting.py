"""spinalcord.training.predicting: each case by models that have not seen it, in one run folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spinalcord.cohort.listing import CohortCase
from spinalcord.training.rounds import make_rounds
from spinalcord.training.splitting import set_split

pytest.importorskip("torch", reason="torch is not installed")
predicting = pytest.importorskip("spinalcord.training.predicting")


@pytest.mark.parametrize("complete", [True, False])
def test_each_round_runs_its_own_models(tmp_path, monkeypatch, complete):
    cases = [
        CohortCase(f"c{k}", f"p{k // 2}", f"{k}.nii", f"{k}_m.nii", series="1.2",
                   truth={"reference_diagnosis": "MS", "age": "40", "split": "train"})
        for k in range(8)
    ]  # fmt: skip
    asked = []

    def run(rows, folder, *, models, inputs, **options):
        asked.append((models, [row["case_id"] for row in rows]))
        assert inputs.carry == ("fold",)
        assert rows[0].keys() == {"case_id", "participant_id", "path", "mask", "series", "age",
                                  "reference_diagnosis", "fold"}  # fmt: skip
        Path(folder).mkdir(exist_ok=True)
        about = {"Spinalcord": {"models": [{"role": "segmentation"}], "counts": {"done": 4},
                                "versions": {"spinalcord": "0"}}}  # fmt: skip
        (folder / "dataset_description.json").write_text(json.dumps(about))

    written = {}

    def write(folder, listing, description, *, qc):
        written.update(listing=listing, description=description)

    monkeypatch.setattr(predicting, "run_cohort", run)
    monkeypatch.setattr(predicting, "write_tables", write)
    rounds = make_rounds(cases, 2, 0)
    folder = predicting.predict_rounds(rounds, tmp_path / "work", tmp_path, complete=complete)
    assert folder == tmp_path / "out-of-fold"
    kind = "models" if complete else "segmentation"
    assert [models for models, _ in asked] == [
        tmp_path / "work" / name / kind for name in ("fold-1", "fold-2")
    ]
    assert sorted(name for _, names in asked for name in names) == [c.case_id for c in cases]
    listed = written["listing"]
    assert listed.name == "out-of-fold"
    assert len(listed.cases) == 8
    assert {c.truth["fold"] for c in listed.cases} == {"fold-1", "fold-2"}
    assert written["description"]["models"] == []  # no models lie there in this test
    assert "counts" not in written["description"]
    (whole,) = make_rounds([set_split(c, "validation") for c in cases], None, 0)
    assert predicting.predict_rounds([whole], tmp_path / "work", tmp_path, complete=True) == (
        tmp_path / "validation"
    )
