"""The pipeline: models opened once, shared by threads; the same results by every way."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import nibabel
import numpy as np
import pytest
from stand_ins import stored, working_array

import spinalcord as sc
from spinalcord import _core
from spinalcord.analysis.pipeline import Pipeline
from spinalcord.errors import InputError, ModelError
from spinalcord.models.folder import write_random
from spinalcord.scans.volume import Volume


def test_networks_are_opened_once_and_only_when_needed(scan, model_folder, stand_in):
    pipe = Pipeline(model_folder)
    assert stand_in.opened == 0
    pipe.segment(scan)
    assert stand_in.opened == 1
    for _ in range(2):
        pipe.segment(scan)
        pipe.classify(scan)
        pipe.explain(scan, task="ms_vs_nmosd")
    assert stand_in.opened == 4
    assert (pipe.precision, pipe.threads) == ("f32", 2)
    assert "segmentation" in repr(pipe)


def test_run_equals_the_three_calls(scan, model_folder):
    pipe = Pipeline(model_folder)
    case = pipe.run(scan)
    seg = pipe.segment(scan)
    np.testing.assert_array_equal(case.segmentation.mask.array, seg.mask.array)
    assert case.diagnosis.tasks == pipe.classify(scan).tasks
    assert list(case.explanations) == ["tumor_vs_demyelination", "ms_vs_nmosd"]
    for task, shown in case.explanations.items():
        alone = pipe.explain(scan, task=task)
        np.testing.assert_array_equal(shown.map.array, alone.map.array)
        assert shown.inside_fraction == alone.inside_fraction
    assert set(case.to_dict()) == {"segmentation", "diagnosis", "explanations"}
    html = case._repr_html_()
    assert html.count("data:image/png") == 4 * len(case.diagnosis.tasks["ms_vs_nmosd"].slices)


def test_run_without_lesion(scan, model_folder):
    case = Pipeline(model_folder).run(scan, mask=scan.like(np.zeros(scan.shape, np.uint8)))
    assert case.segmentation is None
    assert case.explanations == {}
    assert case.to_dict()["diagnosis"]["found"] is False


def test_threads_share_one_pipeline(model_folder, stand_in):
    scans = [stored(np.roll(working_array(), shift, axis=1)) for shift in range(8)]
    pipe = Pipeline(model_folder)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(pipe.run, scans))
    assert stand_in.opened == 4
    for scan, case in zip(scans, together, strict=True):
        alone = pipe.run(scan)
        np.testing.assert_array_equal(case.segmentation.mask.array, alone.segmentation.mask.array)
        assert case.diagnosis.tasks == alone.diagnosis.tasks


def test_survives_pickling(scan, model_folder):
    pipe = pickle.loads(pickle.dumps(Pipeline(model_folder, threads=1)))
    assert (pipe.threads, pipe.precision) == (1, "f32")
    assert pipe.segment(scan).found


def test_bar_comes_only_with_progress_on_a_terminal(scan, model_folder, capsys):
    Pipeline(model_folder, progress=True).run(scan)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")


def test_models_may_go_once_they_are_open(scan, model_folder):
    pipe = Pipeline(model_folder)
    networks = [pipe.network(role) for role in pipe.models.models]
    for path in model_folder.iterdir():
        path.unlink()
    case = pipe.run(scan)
    assert len(case.diagnosis.record.models) == len(networks) == 4
    assert all(len(row["sha256"]) == 64 for row in case.diagnosis.record.models)


def test_refuses_at_once(tmp_path, model_folder):
    with pytest.raises(InputError, match="precision is f32, bf16 or int8, got 'f16'"):
        Pipeline(model_folder, "f16")
    with pytest.raises(InputError, match="threads is a whole number"):
        Pipeline(model_folder, threads=1.5)
    with pytest.raises(ModelError, match="none is not a folder"):
        Pipeline(tmp_path / "none")
    (model_folder / "damaged.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(ModelError, match=r"damaged\.safetensors is damaged"):
        Pipeline(model_folder)


def test_missing_role_is_an_error_when_it_is_needed(scan, model_folder):
    (model_folder / "ms_vs_nmosd.safetensors").unlink()
    pipe = Pipeline(model_folder)
    assert pipe.segment(scan).found
    with pytest.raises(ModelError, match="no model for ms_vs_nmosd"):
        pipe.network("ms_vs_nmosd")
    with pytest.raises(ModelError, match="no model for ms_vs_nmosd"):
        pipe.run(scan)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not look T2-weighted")  # a real T1w series
@pytest.mark.parametrize(
    "scan",
    [
        "nifti_cord/sct_testing",
        "nifti_cord/errsm_11/t2.nii.gz",
        "dicom_series/siemens_sag_2d_HFS",
    ],
)
def test_real_scans_from_end_to_end(scans, tmp_path_factory, tmp_path, scan):
    path = scans / scan
    if path.is_dir() and "nifti" in scan:
        (path,) = path.glob("*t2.nii.gz")
    folder = tmp_path_factory.getbasetemp() / "random-models"
    if not folder.exists():
        write_random(folder)
    precision = "bf16" if "bf16" in _core.cpu()["precisions"] else "f32"
    volume = sc.read(path)
    case = Pipeline(folder, precision).run(volume)
    assert case.segmentation.mask.same_grid(volume)
    assert "random weights" in case.diagnosis.notice
    for file in case.segmentation.save(tmp_path, probability=True):
        if file.name.endswith(".nii.gz"):
            assert Volume.from_any(nibabel.load(file)).same_grid(volume)
    for shown in case.explanations.values():
        assert shown.map.same_grid(volume)
