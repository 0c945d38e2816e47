"""The programs that make the shipped models: what there is, and how they read and write tables."""

from __future__ import annotations

import csv
import subprocess
import sys

import pytest
from model_steps import FOLDER, step

HELPERS = {"__init__", "__main__", "lesion_values", "tables", "markdown", "weights"}


def run(*arguments):
    command = [sys.executable, str(FOLDER), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_list_of_steps_is_complete():
    steps = step("__main__").STEPS
    assert {*steps, *HELPERS} == {path.stem for path in FOLDER.glob("*.py")}
    done = run()
    assert done.returncode == 2
    assert all(name in done.stderr for name in steps)


def test_an_unknown_step_is_named():
    done = run("make_date")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "unknown step: make_date"


@pytest.mark.slow
def test_a_step_has_help():
    done = run("make_data", "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: models make_data ")


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_call_steps_that_exist(script):
    lines = script.read_text(encoding="utf-8").splitlines()
    called = [line.split('"$here" ')[1].split()[0] for line in lines if 'python "$here" ' in line]
    assert called
    assert set(called) <= set(step("__main__").STEPS)


def test_a_table_is_read_as_it_was_written(tmp_path):
    tables = step("tables")
    row = dict.fromkeys(tables.COLUMNS, "") | {"case_id": "a\tb", "path": "scän.nii.gz"}
    tables.write_table(tmp_path / "cases.tsv", [row])
    assert tables.read_table(tmp_path / "cases.tsv") == [row]
    with pytest.raises(ValueError, match="fields not in fieldnames"):
        tables.write_table(tmp_path / "cases.tsv", [{**row, "site": "1"}])


def test_curves_are_separated_by_commas(tmp_path):
    with open(tmp_path / "curves.csv", "w", newline="") as file:
        csv.writer(file).writerows([["steps", "auc"], [10, 0.5]])
    assert step("tables").read_table(tmp_path / "curves.csv") == [{"steps": "10", "auc": "0.5"}]


def test_figures_are_read_as_they_were_written(tmp_path):
    tables = step("tables")
    tables.write_figures(tmp_path / "figures.json", {"mm³": [1.5, None]})
    assert tables.read_figures(tmp_path / "figures.json") == {"mm³": [1.5, None]}


def test_one_part_of_a_page_is_replaced(tmp_path):
    markdown = step("markdown")
    page = tmp_path / "page.md"
    page.write_text("before <a>old<b> after", encoding="utf-8")
    table = markdown.markdown_table(["x", "y"], [["1", "2"]])
    markdown.replace_part(page, "<a>", "<b>", table)
    assert page.read_text(encoding="utf-8") == (
        "before <a>\n| x | y |\n| --- | --- |\n| 1 | 2 |\n<b> after"
    )


def test_an_estimate_without_its_interval():
    markdown = step("markdown")
    assert markdown.brief("0.7 [95 % CI: 0.6, 0.8]") == "0.7 [0.6, 0.8]"
    assert markdown.number("0.7 [95 % CI: 0.6, 0.8]") == "0.7"
