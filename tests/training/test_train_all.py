"""spinalcord train all: a tiny cohort through plan, folds, ensemble, run and report."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest

from spinalcord.cli import main
from spinalcord.cohort.run_tables import read_results
from spinalcord.errors import InputError
from spinalcord.models.folder import list_models
from spinalcord.models.model_file import read_model
from spinalcord.report import Cohort

pytest.importorskip("torch", reason="torch is not installed")
training = pytest.importorskip("spinalcord.training.train_all")

TINY = ["--steps", "1", "--epochs", "1", "--batch", "4", "--window", "32,32", "--patch", "32",
        "--aspect", "2", "--device", "cpu", "--precision", "f32"]  # fmt: skip
GIVEN = {"steps": 1, "epochs": 1, "batch": 4, "window": (32, 32), "patch": (32, 32),
         "aspect": 2.0, "device": "cpu", "precision": "f32"}  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::spinalcord.errors.SpinalcordWarning")
def test_from_a_cohort_to_an_ensemble_a_run_and_a_report(unsplit, tmp_path, capsys):
    out = tmp_path / "models"
    arguments = ["train", "all", "--data", str(unsplit), "--out", str(out), "--folds", "2",
                 "--flips", "columns", *TINY]  # fmt: skip
    assert main(arguments) == 0
    printed = capsys.readouterr()
    made = json.loads(printed.out)
    assert len(made["models"]) == 8
    assert made["not_trained"] == {}
    for said in ("cohort: 10 cases of 10 patients", "splits: 2 folds", "; 10 trainings in all",
                 "pixel size: 1 mm", "time: about", "memory: about", "disk: about",
                 "start: shipped weights for segmentation", "limits: threshold",
                 "outlines: lesion found in"):  # fmt: skip
        assert said in printed.err
    rows = list_models(out)
    assert {row["members"] for row in rows} == {2}
    assert {tuple(row["flips"]) for row in rows} == {("columns",)}
    facts = read_model(out / "ms_vs_nmosd-1.safetensors").metadata["training"]
    assert facts["split"] == "by patient, fold-1 of 2"
    assert facts["outlines"].keys() == {"train_network", "validation_network", "validation_true"}
    # Every patient, by models that have not seen it; taken by Cohort like any other run.
    cases = read_results(out / "out-of-fold" / "cases.tsv")
    assert len(cases) == 10
    predicted = Cohort(out / "out-of-fold")
    assert predicted.cases.n == 10
    assert any("by the models of the fold in which it validates" in n for n in predicted.notes)
    card = (out / "model-card.md").read_text()
    assert "| Dice score |" in card
    # The same command finds everything done.
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert printed.err.count("done before") == 10
    assert json.loads(printed.out) == made
    with pytest.raises(InputError, match="was started with other init"):
        training.train_all(unsplit, out, given=GIVEN,
                           options=training.TrainingOptions(folds=2, init="none",
                                                            flips=("columns",)))  # fmt: skip
    scan = unsplit / "sub-01" / "anat" / "sub-01_T2w.nii.gz"
    assert main(["segment", str(scan), "--models", str(out)]) == 0
    assert len(json.loads(capsys.readouterr().out)["models"][0]["members"]) == 2
    assert main(["report", str(out / "out-of-fold"), "-o", str(tmp_path / "report")]) == 0


@pytest.mark.slow
def test_a_plan_alone_trains_nothing(unsplit, tmp_path, capsys):
    out = tmp_path / "models"
    arguments = ["train", "all", "--data", str(unsplit), "--out", str(out), "--dry-run", *TINY]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    plan = json.loads(printed.out)
    assert plan["trainings"] == 7  # with the two halves that outline
    assert plan["patients"] == 10
    assert plan["settings"]["segmentation"]["keep"] == "best"
    assert list(out.iterdir()) == []
    assert "weights kept: best (by the validation split; --keep)" in printed.err


def test_options_of_the_one_are_refused_for_the_other(unsplit, tmp_path, capsys):
    out = str(tmp_path / "m")
    assert main(["train", "all", "--data", str(unsplit), "--out", out, "--name", "x"]) == 4
    assert "--name is for the training of one network" in capsys.readouterr().err
    one = ["train", "segmentation", "--data", str(unsplit), "--out", f"{out}.safetensors"]
    assert main([*one, "--folds", "2"]) == 4
    assert "--folds is for `spinalcord train all`" in capsys.readouterr().err


@pytest.mark.slow
def test_a_folder_with_other_models_is_left_alone(unsplit, tmp_path):
    (tmp_path / "mine.safetensors").write_bytes(b"x")
    with pytest.raises(InputError, match="already contains models"):
        training.train_all(unsplit, tmp_path, given=GIVEN)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::spinalcord.errors.SpinalcordWarning")
def test_cords_of_one_fold_alone_are_not_learned(unsplit, tmp_path):
    """One scan has its cord in its label map: the fold in which it validates trains on none."""
    folder = unsplit / "derivatives" / "truth"
    names = sorted(path.name for path in folder.iterdir())
    rows = ["case_id,path,mask"]
    for name in names:
        lesion = folder / name / "anat" / f"{name}_label-lesion_mask.nii.gz"
        cord = nibabel.load(str(lesion).replace("-lesion", "-cord"))
        mask = np.where(nibabel.load(lesion).get_fdata() > 0, 2, 0)
        if name == names[0]:
            mask[(mask == 0) & (cord.get_fdata() > 0)] = 1
        path = tmp_path / f"{name}.nii.gz"
        nibabel.Nifti1Image(mask.astype(np.uint8), cord.affine).to_filename(path)
        rows.append(f"{name},{unsplit}/{name}/anat/{name}_T2w.nii.gz,{path}")
    (tmp_path / "cohort.csv").write_text("\n".join(rows))
    said = []
    options = training.TrainingOptions(folds=2, init="none", lesion_label={"cord": 1, "lesion": 2})
    made = training.train_all(tmp_path / "cohort.csv", tmp_path / "out", given=GIVEN,
                              options=options, say=said.append)  # fmt: skip
    assert any("the cord is known in 1 of 10 cases" in line for line in said)
    assert any("the cord is not learned: too few cases" in line for line in said)
    for path in made.models:
        assert read_model(path).metadata["labels"]["outputs"] == ["lesion"]
