from __future__ import annotations

import json

import pytest

from spinalcord.cli import main


@pytest.mark.slow
def test_a_cohort_is_made_and_named(tmp_path, capsys):
    out = tmp_path / "c"
    assert main(["phantom", str(out), "--cases", "1", "--seed", "2", "--quiet"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["cases"] == 1
    assert "synthetic" in answer["notice"]
    assert (out / "participants.tsv").is_file()
    assert main(["phantom", str(out), "--cases", "1"]) == 4
    assert "not an empty folder" in capsys.readouterr().err


@pytest.mark.slow
def test_options_reach_the_cohort(tmp_path, capsys):
    out = tmp_path / "c"
    words = "--cases 1 --lesion-free 2 --lesion-free-in all --random-contrast 1 --quiet"
    assert main(["phantom", str(out), *words.split()]) == 0
    assert json.loads(capsys.readouterr().out)["cases"] == 3
    rows = [line.split("\t") for line in (out / "participants.tsv").read_text().splitlines()]
    split = {row[4] for row in rows[1:] if row[3] == "n/a"}
    assert split == {"train", "test"}
    about = [json.loads(path.read_text()) for path in out.rglob("*_desc-phantom.json")]
    assert [facts["random_contrast"] for facts in about] == [True] * 3


def test_numbers_that_make_no_cohort_are_refused(tmp_path, capsys):
    assert main(["phantom", str(tmp_path / "c"), "--cases", "0"]) == 4
    assert "0 cases" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["phantom", str(tmp_path / "c"), "--format", "nrrd"])
    assert stop.value.code == 2
