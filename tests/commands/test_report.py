"""`spinalcord report`: what it prints, and where it refuses."""

from __future__ import annotations

import json
import sys

import pytest
from report import cohorts

from spinalcord.cli import main

pytest.importorskip("matplotlib", reason="reports need matplotlib, of the extra report")
pytest.importorskip("scipy", reason="reports need SciPy, of the extra report")


@pytest.mark.slow
def test_command_line(tmp_path, capsys):
    run = cohorts.write_run(tmp_path / "out", cohorts.drawn(40))
    assert main(["report", str(run), "--title", "Ours", "--level", "0.9"]) == 0
    shown = capsys.readouterr()
    printed = json.loads(shown.out)
    assert printed["page"] == str(run / "report.html")
    assert (printed["split"], printed["patients"]) == ("test", 40)
    assert "notice: random weights; trained on synthetic phantoms" in shown.err
    html = (run / "report.html").read_text(encoding="utf-8")
    assert "Ours" in html
    assert "90&nbsp;% CI" in html
    assert main(["report", str(run), "--split", "x"]) == 4
    assert "no case of split 'x'" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "none.csv")]) == 4


def test_a_missing_extra_is_said_on_one_line(tmp_path, capsys, monkeypatch):
    run = cohorts.write_run(tmp_path / "out", cohorts.drawn(8))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["report", str(run), "--quiet"]) == 1
    shown = capsys.readouterr().err
    assert "pip install 'spinalcord[report]'" in shown
    assert "Traceback" not in shown


@pytest.mark.slow
def test_cases_are_left_out(tmp_path, capsys):
    run = cohorts.write_run(tmp_path / "run", cohorts.drawn(12))
    verdicts = tmp_path / "verdicts.tsv"
    verdicts.write_text("case_id\tverdict\tnote\nsub-00003\tfail\tn/a\n")
    for given in (str(verdicts), "sub-00003"):
        out = tmp_path / "report"
        assert main(["report", str(run), "-o", str(out), "--exclude", given, "--quiet"]) == 0
        assert json.loads(capsys.readouterr().out)["patients"] == 11
    assert main(["report", str(run), "--exclude", "sub-00003, nobody"]) == 4
    assert "no case nobody" in capsys.readouterr().err


@pytest.mark.slow
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
        ("--words", "sex:1=boyish", "is mapped to 'boyish', which is not a sex"),
        ("--words", "1=M", "words are COLUMN:WORD=MEANING"),
        ("--columns", "age", "columns are NAME=COLUMN"),
    ],
)
def test_options_of_tables_that_cannot_be_meant(option, text, message, capsys):
    with pytest.raises(SystemExit):
        main(["report", "cases.csv", option, text])
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_a_margin_and_a_second_run_reach_the_report(tmp_path, capsys):
    first = cohorts.drawn(24, seed=1)
    second = {**first, "reader_1": first["reader_2"], "reader_2": first["reader_1"]}
    run = cohorts.write_run(tmp_path / "run", first)
    with_t1c = cohorts.write_run(tmp_path / "with", second)
    options = ["--t1c-run", str(with_t1c), "--margin", "0.1", "--quiet"]
    assert main(["report", str(run), *options]) == 0
    capsys.readouterr()
    text = (run / "report" / "with_t1c.csv").read_text(encoding="utf-8")
    assert "2 readers, same patients" in text
    assert "equivalence, margin 10 points" in (run / "report" / "reader_group.csv").read_text()
    assert main(["report", str(run), "--t1c-run", str(tmp_path / "absent")]) == 4
    assert "absent" in capsys.readouterr().err
