"""``spinalcord check``."""

from __future__ import annotations

import json

from cohorts import save_mask, save_scan

from spinalcord.cli import main


def test_exit_codes_and_files(tmp_path, capsys):
    save_mask(save_scan(tmp_path / "in" / "a.nii.gz"), tmp_path / "in" / "a_mask.nii.gz")
    assert main(["check", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sound"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["check.html", "check.tsv"]
    (tmp_path / "in" / "a_mask.nii.gz").write_bytes(b"nothing")
    assert main(["check", str(tmp_path / "in"), "-o", str(tmp_path / "out")]) == 1
    streams = capsys.readouterr()
    assert "spinalcord: to be fixed: a: mask: " in streams.err
    assert list(json.loads(streams.out)["cases_with_problems"]) == ["a"]
    assert main(["check", str(tmp_path / "none")]) == 4
