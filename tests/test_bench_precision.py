"""A precision is compared with float32 case by case."""

from __future__ import annotations

import pytest
from bench_programs import load

from spinalcord.tasks import TASKS


def case(name, diagnosis, dice, first, second, found=(True, True)):
    answers = [dict.fromkeys(TASKS, p) if there else {} for p, there in
               zip((first, second), found, strict=True)]  # fmt: skip
    return {"case": name, "diagnosis": diagnosis, "found": list(found), "dice": dice,
            "dice_cord": 0.5 + dice / 2, "answers": answers}  # fmt: skip


def test_figures_of_both_precisions(monkeypatch):
    cases = [
        case("a", "MS", 1.0, 0.30, 0.31),
        case("b", "NMOSD", 0.9, 0.60, 0.29),
        case("c", "astrocytoma", 0.99, 0.10, 0.10),
        case("d", "ependymoma", 0.97, 0.20, 0.20),
        case("e", "MS", 0.0, 0.9, 0.9, found=(True, False)),
        case("f", "", 1.0, 0.9, 0.9, found=(False, False)),
    ]
    figures = load("bench_precision", monkeypatch).summarize(cases)
    assert figures["cases"] == 6
    assert figures["found"] == [5, 4]
    assert figures["found_in_one"] == ["e"]
    # Only of cases with a lesion in both: a to d.
    assert figures["dice"]["mean"] == pytest.approx(0.965)
    assert figures["dice"]["least"] == 0.9
    assert figures["dice_below_0.98"] == {"b": 0.9, "d": 0.97}
    assert figures["dice_cord"]["least"] == 0.5
    assert figures["auc"]["ms_vs_nmosd"] == [1.0, 0.0]
    assert figures["auc"]["tumor_vs_demyelination"] == [1.0, 1.0]
    assert figures["largest_change"] == pytest.approx(0.31)
    assert figures["answers_changed"] == 3  # of b, in each task


def test_the_classifiers_alone(monkeypatch):
    program = load("bench_precision", monkeypatch)
    rows = [case("a", "MS", 1.0, 0.2, 0.3), case("b", "NMOSD", 1.0, 0.4, 0.6),
            case("c", "astrocytoma", 1.0, 0.1, 0.1), case("d", "ependymoma", 1.0, 0.2, 0.2),
            case("e", "MS", 1.0, 0.9, 0.9, found=(False, False))]  # fmt: skip
    kept = [{key: row[key] for key in ("case", "diagnosis", "answers")} for row in rows]
    figures = program.summarize_answers(kept)
    assert figures["cases"] == 4  # the last has an empty outline
    assert figures["auc"]["ms_vs_nmosd"] == [1.0, 1.0]
    assert figures["largest_change"] == pytest.approx(0.2)
    assert figures["answers_changed"] == 3


def test_a_store_serves_only_runs_of_its_kind(monkeypatch, tmp_path, capsys):
    program = load("bench_precision", monkeypatch)
    names = {"a": "MS", "b": "NMOSD", "c": "astrocytoma", "d": "ependymoma"}
    table, store = tmp_path / "cases.tsv", tmp_path / "store.jsonl"
    lines = [f"{name}\t{diagnosis}" for name, diagnosis in names.items()]
    table.write_text("\n".join(["case_id\tdiagnosis", *lines]), encoding="utf-8")
    measured = []

    def measure(row, pipelines):
        measured.append(row["case_id"])
        return case(row["case_id"], row["diagnosis"], 1.0, 0.2, 0.3)

    monkeypatch.setattr(program.sc, "Pipeline", lambda *_, **__: None)
    monkeypatch.setattr(program, "compare", measure)
    monkeypatch.setattr(program, "compare_classifiers", measure)
    options = [str(table), "--store", str(store)]
    for more, times in (([], 1), ([], 1), (["--true-outlines"], 2), (["--precision", "bf16"], 3)):
        assert program.main([*options, *more]) == 0
        assert measured == [*names] * times
    assert '"answers_changed": 0' in capsys.readouterr().out
