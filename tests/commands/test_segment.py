"""`spinalcord segment`: what it writes and prints."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest
from command_line import run_command

from spinalcord import _core
from spinalcord.cli import main


@pytest.mark.slow
def test_segment_writes_a_mask_on_the_scan_s_grid(random_models, scan_file, tmp_path):
    arguments = ["segment", scan_file, "--models", random_models, "-o", tmp_path / "out"]
    done = run_command(*arguments, "--probability", "--threads", "1", "--threshold", "0.9")
    assert done.returncode == 0
    printed = json.loads(done.stdout)
    assert printed["threads"] == 1
    assert printed["settings"]["threshold"] == 0.9
    assert "random weights (seed 1)" in printed["notice"]
    assert "notice: random weights (seed 1)" in done.stderr
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [
        "sub-07_desc-cord_mask.nii.gz",
        "sub-07_desc-lesion_mask.json",
        "sub-07_desc-lesion_mask.nii.gz",
        "sub-07_desc-lesion_probseg.nii.gz",
    ]
    assert sorted(printed["files"]) == [str(tmp_path / "out" / name) for name in names]
    mask, scan = nibabel.load(printed["files"][0]), nibabel.load(scan_file)
    assert mask.shape == scan.shape
    assert mask.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(mask.affine, scan.affine)
    probability = np.asarray(nibabel.load(printed["files"][2]).dataobj)
    assert 0 <= probability.min() < probability.max() <= 1
    np.testing.assert_array_equal(np.asarray(mask.dataobj), probability >= 0.9)
    assert "Doe" not in (tmp_path / "out" / names[1]).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "low", "high", "told"),
    [
        ("min-thickness-mm", 5, 1000, "less than 1000 mm thick"),
        ("min-peak", 0.5, 1, "nowhere with a probability of 1,"),
    ],
)
def test_segment_leaves_out_lesions_that_are_too_thin_or_uncertain(
    random_models, scan_file, tmp_path, capsys, option, low, high, told
):
    arguments = ["segment", str(scan_file), "--models", str(random_models), "--threshold", "0"]
    arguments += ["--keep-outside-cord", "-o", str(tmp_path), f"--{option}"]
    assert main([*arguments, str(low)]) == 0
    assert json.loads(capsys.readouterr().out)["found"]
    assert main([*arguments, str(high)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert not printed["found"]
    assert printed["settings"][option.replace("-", "_")] == high
    assert told in printed["warnings"][-1]


@pytest.mark.slow
def test_segment_takes_a_cord_and_what_becomes_of_lesions_outside(
    random_models, scan_file, tmp_path, capsys
):
    empty = tmp_path / "cord.nii.gz"
    scan = nibabel.load(scan_file)
    nibabel.save(nibabel.Nifti1Image(np.zeros(scan.shape, np.uint8), scan.affine), empty)
    arguments = ["segment", str(scan_file), "--models", str(random_models), "--cord", str(empty)]
    arguments += ["--threshold", "0", "-o", str(tmp_path)]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    printed = json.loads(shown.out)
    assert not printed["found"]
    assert printed["dropped"]["n_lesions"] == 1
    assert printed["dropped"]["volume_mm3"] > 1000
    assert "NOTHING IS LEFT" in shown.err
    assert main([*arguments, "--keep-outside-cord", "--min-in-cord", "0.5"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["found"]
    assert printed["settings"]["min_in_cord"] == 0.5
    assert printed["settings"]["keep_outside_cord"] is True


@pytest.mark.slow
def test_segment_writes_into_the_current_folder_by_default(random_models, scan_file, tmp_path):
    done = run_command("segment", scan_file, "--models", random_models, "--quiet", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    assert (tmp_path / "sub-07_desc-lesion_mask.nii.gz").exists()


def test_no_models_exits_3(scan_file, tmp_path, capsys):
    assert main(["segment", str(scan_file), "--models", str(tmp_path)]) == 3
    assert "has no model for segmentation" in capsys.readouterr().err


def test_place_that_cannot_be_written_exits_4(random_models, scan_file, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    out = str(tmp_path / "file" / "below")
    arguments = ["segment", str(scan_file), "--models", str(random_models), "-o", out]
    assert main(arguments) == 4
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.slow
def test_a_mask_with_a_name_gets_its_cord_beside_it(random_models, scan_file, tmp_path, capsys):
    arguments = ["segment", str(scan_file), "--models", str(random_models), "-o"]
    for name, cord in (
        ("m.nii.gz", "m_desc-cord_mask.nii.gz"),
        ("n.nii", "n_desc-cord_mask.nii"),
        ("sub-1_desc-lesion_mask.nii.gz", "sub-1_desc-cord_mask.nii.gz"),
    ):
        assert main([*arguments, str(tmp_path / name)]) == 0
        files = json.loads(capsys.readouterr().out)["files"]
        assert files[0] == str(tmp_path / name)
        assert files[2] == str(tmp_path / cord)
        assert main([*arguments, str(tmp_path / "folder")]) == 0
        folder = json.loads(capsys.readouterr().out)["files"]
        for named, standard in zip(files[::2], folder[::2], strict=True):
            np.testing.assert_array_equal(
                nibabel.load(named).dataobj, nibabel.load(standard).dataobj
            )


@pytest.mark.slow
def test_f32_on_a_cpu_with_bf16_is_hinted_at(
    random_models, scan_file, tmp_path, capsys, monkeypatch
):
    arguments = ["segment", str(scan_file), "--models", str(random_models), "-o", str(tmp_path)]
    real = _core.cpu()
    for precisions, options, hinted in (
        (["f32", "bf16"], [], True),
        (["f32", "bf16"], ["--precision", "f32"], False),
        (["f32", "bf16"], ["--quiet"], False),
        (["f32"], [], False),
        (["f32"], ["--precision", "auto"], False),
    ):
        monkeypatch.setattr(_core, "cpu", lambda p=precisions: real | {"precisions": p})
        assert main([*arguments, *options]) == 0
        shown = capsys.readouterr()
        assert ("hint: computed in f32" in shown.err) == hinted
        assert json.loads(shown.out)["precision"] == "f32"
