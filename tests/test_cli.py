"""The command line: streams, exit codes, help."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
from stand_ins import lesion_of, stored, working_array

from spinalcord.cli import main
from spinalcord.commands import options
from spinalcord.models import folder as models
from spinalcord.models import network
from spinalcord.models.release import write_sums


def run(*arguments, **options):
    command = [sys.executable, "-m", "spinalcord.cli", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=environment, **options
    )


@pytest.fixture(scope="session")
def random_models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("random")
    assert main(["models", "random", str(folder), "--seed", "1"]) == 0
    return folder


def test_random_models_are_listed_with_their_notice(random_models, capsys):
    assert main(["models", "list", "--models", str(random_models)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["role"] for row in rows] == [
        "astrocytoma_vs_ependymoma",
        "ms_vs_nmosd",
        "segmentation",
        "tumor_vs_demyelination",
    ]
    assert all("random weights (seed 1)" in row["notice"] for row in rows)
    assert all(len(row["sha256"]) == 64 for row in rows)


def test_random_prints_its_files(tmp_path, capsys):
    assert main(["models", "random", str(tmp_path / "new")]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["seed"] == 0
    assert sorted(printed["files"]) == sorted(str(p) for p in (tmp_path / "new").iterdir())


def test_damaged_model_is_listed_and_exits_3(tmp_path, capsys):
    (tmp_path / "bad.safetensors").write_bytes(b"no model at all")
    assert main(["models", "list", "--models", str(tmp_path)]) == 3
    (row,) = json.loads(capsys.readouterr().out)
    assert row["file"] == "bad.safetensors"
    assert "damaged" in row["error"]


def test_shipped_models_need_no_argument(random_models, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "weights"
    monkeypatch.setattr(models, "WEIGHTS_DIR", folder)
    assert main(["models", "list"]) == 0  # none in this version
    assert json.loads(capsys.readouterr().out) == []
    assert main(["models", "verify"]) == 3
    assert "comes without trained models" in capsys.readouterr().err
    shutil.copytree(random_models, folder)
    write_sums(folder)
    for action in ("list", "verify"):
        assert main(["models", action]) == 0
        assert len(json.loads(capsys.readouterr().out)) == 4
    path = folder / "segmentation.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    assert main(["models", "list"]) == main(["models", "verify"]) == 3
    printed = capsys.readouterr()
    assert [row["file"] for row in json.loads(printed.out) if "error" in row] == [path.name]
    assert "is damaged or another file" in printed.err


def test_missing_model_exits_3(tmp_path, capsys):
    assert main(["models", "verify", str(tmp_path / "none.safetensors")]) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "none.safetensors: No such file" in printed.err


@pytest.mark.parametrize(
    "arguments",
    [[], ["models"], ["dance"], ["models", "random"], ["models", "random", "x", "--seed", "-1"]],
)
def test_usage_exits_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "usage: spinalcord" in printed.err


def test_help_waits_for_nothing_heavy():
    code = (
        "import sys\n"
        "from spinalcord.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    pass\n"
        "heavy = {'numpy', 'nibabel', 'SimpleITK', 'spinalcord._core'} & set(sys.modules)\n"
        "sys.exit(' '.join(sorted(heavy)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.returncode == 0
    assert "models" in done.stdout


def test_version_is_the_package_s():
    import spinalcord

    assert run("--version").stdout == f"spinalcord {spinalcord.__version__}\n"


def test_reader_that_goes_away_is_no_traceback(random_models):
    command = [sys.executable, "-m", "spinalcord.cli", "models", "list", "--models", random_models]
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True)
    os.close(write_end)
    assert done.returncode == 1
    assert done.stderr == ""


def test_ctrl_c_exits_130_without_traceback(tmp_path):
    # A model file that never answers: the command waits in open() until it is interrupted.
    fifo = tmp_path / "slow.safetensors"
    os.mkfifo(fifo)
    process = subprocess.Popen(
        [sys.executable, "-m", "spinalcord.cli", "models", "list", "--models", tmp_path],
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert err == "spinalcord: interrupted\n"


# ---- On a scan, with real networks and random weights ------------------------------------------


@pytest.fixture(scope="module")
def scan_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("Doe_Jane")
    volume = stored(working_array()[:, :64, 16:64])
    path = folder / "sub-07_T2w.nii.gz"
    nibabel.save(nibabel.Nifti1Image(volume.array, volume.affine), path)
    mask = folder / "mask.nii.gz"
    nibabel.save(nibabel.Nifti1Image(lesion_of(volume.array), volume.affine), mask)
    return path


def test_segment_writes_a_mask_on_the_scan_s_grid(random_models, scan_file, tmp_path):
    arguments = ["segment", scan_file, "--models", random_models, "-o", tmp_path / "out"]
    done = run(*arguments, "--probability", "--threads", "1", "--threshold", "0.9")
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


def test_segment_writes_into_the_current_folder_by_default(random_models, scan_file, tmp_path):
    done = run("segment", scan_file, "--models", random_models, "--quiet", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    assert (tmp_path / "sub-07_desc-lesion_mask.nii.gz").exists()


def test_classify_prints_and_writes_where_told(random_models, scan_file, tmp_path, capsys):
    mask = scan_file.with_name("mask.nii.gz")
    arguments = ["classify", str(scan_file), "--models", str(random_models), "--mask", str(mask)]
    assert main(arguments) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["files"] == []
    assert printed["found"] is True
    assert printed["diagnosis"] in ("astrocytoma", "ependymoma", "MS", "NMOSD")
    assert sum(printed["probabilities"].values()) == pytest.approx(1)
    assert len(list(scan_file.parent.iterdir())) == 2  # nothing written beside it
    out = tmp_path / "dx.json"
    assert main([*arguments, "-o", str(out), "--t1c", str(scan_file)]) == 0
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["settings"]["t1c"] == "given"
    assert json.loads(capsys.readouterr().out)["files"] == [str(out)]


def test_explain_writes_a_map(random_models, scan_file, tmp_path, capsys):
    mask = scan_file.with_name("mask.nii.gz")
    arguments = ["explain", scan_file, "--models", random_models, "--mask", mask, "-o", tmp_path]
    arguments += ["--task", "ms_vs_nmosd", "--target", "MS"]
    assert main([str(a) for a in arguments]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["target"] == "MS"
    path = tmp_path / "sub-07_desc-gradcam_task-msVsNmosd.nii.gz"
    assert str(path) in printed["files"]
    assert nibabel.load(path).shape == nibabel.load(scan_file).shape


def test_explain_takes_a_method_and_how_to_judge_it(random_models, scan_file, tmp_path, capsys):
    mask = scan_file.with_name("mask.nii.gz")
    arguments = ["explain", scan_file, "--models", random_models, "--mask", mask, "-o", tmp_path]
    arguments += ["--task", "ms_vs_nmosd", "--method", "hirescam", "--layer", "last"]
    arguments += ["--ring-mm", "8", "--compare", "gradcam", "--quiet"]
    assert main([str(a) for a in arguments]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["method"], printed["layer"], printed["of"]) == ("hirescam", "last", "logit")
    assert printed["ring_mm"] == 8
    assert printed["agreement"]["gradcam:last"]["spearman"] == pytest.approx(1)
    assert printed["curves"] is None
    assert Path(printed["files"][0]).name == "sub-07_desc-hirescam_task-msVsNmosd.nii.gz"
    assert main([*map(str, arguments), "--compare", "hirescam"]) == 4
    assert "expected different methods" in capsys.readouterr().err


def test_verify_and_info_describe(random_models, capsys):
    assert main(["models", "verify", str(random_models / "segmentation.safetensors")]) == 0
    assert json.loads(capsys.readouterr().out)["n_values"] > 7e6
    assert main(["info", "--models", str(random_models)]) == 0
    info = json.loads(capsys.readouterr().out)
    assert {"version", "name", "isa", "threads", "precisions", "onednn", "models"} <= set(info)
    assert len(info["models"]) == 4
    for row in info["models"]:
        assert set(row["kernels"]) == set(info["precisions"])
        assert sum(row["kernels"]["f32"].values()) > 50


def test_output_of_another_kind_is_refused_before_computing(tmp_path, capsys):
    for command, out in (("segment", "mask.png"), ("classify", "x.nii.gz"), ("explain", "x.json")):
        task = ["--task", "ms_vs_nmosd"] if command == "explain" else []
        arguments = [command, "missing.nii.gz", "-o", str(tmp_path / out), *task]
        assert main(arguments) == 4
        assert "expected a folder, or a file name" in capsys.readouterr().err


def test_precisions_are_the_network_s():
    assert options.PRECISIONS == network.PRECISIONS


@pytest.mark.parametrize("command", ["segment", "classify", "explain"])
def test_unusable_scan_exits_4(random_models, tmp_path, capsys, command):
    (tmp_path / "t2.nii.gz").write_bytes(b"not a scan")
    task = ["--task", "ms_vs_nmosd"] if command == "explain" else []
    arguments = [command, str(tmp_path / "t2.nii.gz"), "--models", str(random_models), *task]
    assert main(arguments) == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "spinalcord: error: " in printed.err
    assert "t2.nii.gz" in printed.err


def test_no_models_exits_3(scan_file, tmp_path, capsys):
    assert main(["segment", str(scan_file), "--models", str(tmp_path)]) == 3
    assert "has no model for segmentation" in capsys.readouterr().err


def test_place_that_cannot_be_written_exits_4(random_models, scan_file, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    out = str(tmp_path / "file" / "below")
    arguments = ["segment", str(scan_file), "--models", str(random_models), "-o", out]
    assert main(arguments) == 4
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--threshold", "1.5"],
        ["--threshold", "nan"],
        ["--min-lesion-mm3", "-1"],
        ["--min-thickness-mm", "-1"],
        ["--min-peak", "1.5"],
        ["--threads", "0"],
        ["--precision", "f64"],
        ["--nonsense"],
    ],
)
def test_bad_options_exit_2(options, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["segment", "t2.nii.gz", *options])
    assert exit_.value.code == 2
    assert capsys.readouterr().out == ""


def test_warnings_go_to_standard_error_unless_quiet(random_models, scan_file, tmp_path):
    image = nibabel.load(scan_file)
    image = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine)
    image.set_qform(image.affine, 1)
    image.header["qoffset_x"] += 40
    path = tmp_path / "t2.nii.gz"
    nibabel.save(image, path)
    for quiet in ([], ["--quiet"]):
        done = run("segment", path, "--models", random_models, "-o", tmp_path, *quiet)
        assert done.returncode == 0
        first = json.loads(done.stdout)["warnings"][0]
        assert "qform and sform disagree" in first
        assert ("spinalcord: warning: " in done.stderr) == (not quiet)


def test_ctrl_c_during_computation_exits_130(random_models, tmp_path):
    volume = stored(np.random.default_rng(0).random((60, 256, 256), np.float32))
    path = tmp_path / "t2.nii"
    nibabel.save(nibabel.Nifti1Image(volume.array, volume.affine), path)
    command = [sys.executable, "-m", "spinalcord.cli", "segment", path, "--models", random_models]
    process = subprocess.Popen(
        [*map(str, command), "-o", str(tmp_path / "out"), "--threads", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(2.5)
    start = time.perf_counter()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert time.perf_counter() - start < 3
    assert process.returncode == 130
    assert (out, err) == ("", "spinalcord: interrupted\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_bar_shows_on_a_terminal(random_models, tmp_path):
    """A pseudo-terminal as standard error, and a scan that takes more than two seconds."""
    volume = stored(np.random.default_rng(0).random((60, 192, 192), np.float32))
    path = tmp_path / "t2.nii"
    nibabel.save(nibabel.Nifti1Image(volume.array, volume.affine), path)
    command = [sys.executable, "-m", "spinalcord.cli", "segment", path, "--models", random_models]
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    process = subprocess.Popen(
        [*map(str, command), "-o", str(tmp_path), "--threads", "1"],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            block = os.read(ours, 4096)
        except OSError:  # the other end has closed
            break
        if not block:
            break
        seen += block
    os.close(ours)
    assert process.wait(60) == 0
    assert b"segment" in seen
    assert b"slice" in seen


def test_stats_prints_the_letter_s_table_and_audit(capsys):
    assert main(["stats", "--letter"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert "constructed from published counts" in printed["notice"]
    assert printed["table2"][0]["sentence"] == "96 % (150 of 157) [95 % CI: 91 %, 98 %]"
    assert any("79 % cannot be a share" in finding["text"] for finding in printed["audit"])


def test_stats_of_nothing_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["stats"])
    assert stopped.value.code == 2
    assert "--letter" in capsys.readouterr().err


def test_names_of_columns_words_and_a_label_reach_the_report(tmp_path, capsys):
    table = tmp_path / "cases.csv"
    rows = [f"c{i};{'12'[i % 2]};{['M.S.', 'NMO'][i % 2]};0,9" for i in range(12)]
    table.write_text("\n".join(["ID;Gender;Histology;ms_vs_nmosd_probability", *rows]) + "\n")
    arguments = ["report", str(table), "-o", str(tmp_path / "out")]
    named = ["--columns", "case_id=id,sex=gender,reference_diagnosis=Histology"]
    assert main([*arguments, *named, "--words", "sex:1=M,sex:2=F,diagnosis:M.S.=MS"]) == 0
    capsys.readouterr()
    facts = json.loads((tmp_path / "out" / "report" / "report.json").read_text())
    assert facts["doubts"] == []
    assert facts["evaluated"] == {"ms_vs_nmosd": 12}
    assert main(arguments) == 4
    assert "no column case_id among ID, Gender" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("--words", "sex:1=boyish", "is to mean 'boyish', which is no sex"),
        ("--words", "1=M", "words are COLUMN:WORD=MEANING"),
        ("--columns", "age", "columns are NAME=COLUMN"),
    ],
)
def test_options_of_tables_that_cannot_be_meant(option, text, message, capsys):
    with pytest.raises(SystemExit):
        main(["report", "cases.csv", option, text])
    assert message in capsys.readouterr().err
