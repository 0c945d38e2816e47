"""What several commands share: several scans, outputs, exit codes."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import pytest

from spinalcord.cli import main
from spinalcord.commands.output import report_scans


def test_output_of_another_kind_is_refused_before_computing(tmp_path, capsys):
    for command, out in (("segment", "mask.png"), ("classify", "x.nii.gz"), ("explain", "x.json")):
        task = ["--task", "ms_vs_nmosd"] if command == "explain" else []
        arguments = [command, "missing.nii.gz", "-o", str(tmp_path / out), *task]
        assert main(arguments) == 4
        assert "expected a folder, or a file name" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["segment", "classify", "explain"])
@pytest.mark.slow
def test_unusable_scan_exits_4(random_models, tmp_path, capsys, command):
    (tmp_path / "t2.nii.gz").write_bytes(b"not a scan")
    task = ["--task", "ms_vs_nmosd"] if command == "explain" else []
    arguments = [command, str(tmp_path / "t2.nii.gz"), "--models", str(random_models), *task]
    assert main(arguments) == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "spinalcord: error: " in printed.err
    assert "t2.nii.gz" in printed.err


def copies(scan_file, tmp_path, *names):
    paths = []
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(scan_file, path)
        paths.append(str(path))
    return paths


@pytest.mark.slow
@pytest.mark.parametrize("command", ["segment", "classify", "explain"])
def test_several_scans_give_an_array_and_a_failure_stops_none(
    random_models, scan_file, tmp_path, capsys, command
):
    first, second = copies(scan_file, tmp_path, "sub-1_T2w.nii.gz", "sub-2_T2w.nii.gz")
    bad = tmp_path / "bad.nii.gz"
    bad.write_bytes(b"not a scan")
    out = tmp_path / "out"
    arguments = [command, first, str(bad), second, "--models", str(random_models)]
    arguments += ["-o", str(out), "--threads", "1"]
    arguments += ["--task", "ms_vs_nmosd"] if command == "explain" else []
    assert main(arguments) == 1
    shown = capsys.readouterr()
    rows = json.loads(shown.out)
    assert [row["scan"] for row in rows] == [first, str(bad), second]
    assert [set(row) == {"scan", "error"} for row in rows] == [False, True, False]
    assert "bad.nii.gz" in rows[1]["error"]
    assert "scan 2 of 3: " in shown.err
    assert shown.err.count("notice: ") == 1
    assert f"spinalcord: error: {rows[1]['error']}" in shown.err
    for row, name in ((rows[0], "sub-1"), (rows[2], "sub-2")):
        assert all(Path(file).name.startswith(name) for file in row["files"])
        assert all(Path(file).is_file() for file in row["files"])
    # One by one they give the same files.
    before = {path.name: path.read_bytes() for path in out.glob("*.nii.gz")}
    alone = tmp_path / "alone"
    arguments[1:4], arguments[arguments.index(str(out))] = [second], str(alone)
    assert main(arguments) == 0
    for path in alone.glob("*.nii.gz"):
        assert path.read_bytes() == before[path.name]


def test_several_scans_with_what_belongs_to_one_are_refused(scan_file, tmp_path, capsys):
    first, second = copies(scan_file, tmp_path, "a/t2.nii.gz", "b/t2.nii.gz")
    for command, options, told in (
        ("segment", ["-o", str(tmp_path)], "would both be written as t2_... in"),
        ("segment", ["-o", str(tmp_path / "m.nii.gz")], "expected a folder, since 2 scans"),
        ("segment", ["--cord", "c.nii.gz"], "--cord belongs to one scan, but 2 scans are given"),
        ("classify", ["--mask", "m.nii.gz"], "--mask belongs to one scan"),
        ("classify", ["--t1c", "m.nii.gz"], "--t1c belongs to one scan"),
        ("segment", ["--series", "1.2"], "--series belongs to one scan"),
    ):
        assert main([command, first, second, *options]) == 4
        assert told in capsys.readouterr().err
    assert not list(tmp_path.glob("t2*"))


def test_missing_models_stop_several_scans_at_once(scan_file, tmp_path, capsys):
    (tmp_path / "models").mkdir()
    paths = copies(scan_file, tmp_path, "a.nii.gz", "b.nii.gz")
    assert main(["segment", *paths, "--models", str(tmp_path / "models"), "-o", "x"]) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("has no model for segmentation") == 1


def test_interrupted_work_is_printed_as_far_as_it_got(capsys):
    class Result:
        notice = "random weights"

        def to_dict(self):
            return {"found": True}

    def compute(scan):
        if scan == "c":
            raise KeyboardInterrupt
        return Result(), [Path(f"{scan}.json")]

    options = argparse.Namespace(scans=["a", "b", "c"], quiet=True)
    with pytest.raises(KeyboardInterrupt):
        report_scans(options, compute)
    assert [row["files"] for row in json.loads(capsys.readouterr().out)] == [["a.json"], ["b.json"]]


@pytest.mark.slow
def test_urls_are_refused_as_such(random_models, scan_file, tmp_path, capsys):
    url = "https://host/t2.nii.gz"
    told = f"{url}: expected a local file or folder, got a URL; nothing is downloaded"
    assert main(["segment", url, "--models", str(random_models), "-o", str(tmp_path)]) == 4
    assert told in capsys.readouterr().err
    assert main(["classify", str(scan_file), "--mask", url, "--models", str(random_models)]) == 4
    assert told in capsys.readouterr().err
    assert main(["segment", str(scan_file), "--models", "s3://bucket/models"]) == 3
    assert "s3://bucket/models: expected a local file or folder" in capsys.readouterr().err
    assert main(["segment", str(scan_file), "-o", "s3://bucket/out"]) == 4
    assert "s3://bucket/out: expected a local file or folder" in capsys.readouterr().err
