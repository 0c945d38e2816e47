"""The report as LaTeX."""

from __future__ import annotations

import re

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.report.contents import gather
from spinalcord.report.latex import escape_latex, table_to_latex, to_latex

pytest.importorskip("matplotlib", reason="reports need matplotlib, of the extra report")
pytest.importorskip("scipy", reason="reports need SciPy, of the extra report")


@pytest.mark.slow
def test_a_document_with_every_table():
    contents = gather(Cohort(cohorts.drawn(40)), title="A & B_1")
    text = to_latex(contents)
    assert r"\section*{A \& B\_1}" in text
    shown = sum(len(section.tables) for section in contents.sections)
    assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == shown
    for what, why in contents.missing.items():
        assert rf"\item {escape_latex(f'{what}: {why}')}" in text
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert not re.search(r"(?<!\\)[%#&](?! )(?=\w)", text.split(r"\begin{document}")[1])
    assert {c for c in text if not c.isascii()} <= {"³"}  # which inputenc knows


def test_rows_have_as_many_cells_as_columns():
    table = Cohort(cohorts.drawn(40)).table("table2")
    lines = [line for line in table_to_latex(table).splitlines() if " & " in line]
    assert len(lines) == len(table.rows) + 1
    assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {len(table.shown) - 1}


def test_special_characters():
    assert escape_latex("a\\b ~ ^ {x} $5 ± –") == (
        r"a\textbackslash{}b \textasciitilde{} \textasciicircum{} \{x\} \$5 $\pm$ --"
    )


def test_long_words_may_break_where_a_reader_would():
    assert escape_latex("ab" * 24) == r"\allowbreak{}".join(["abababab"] * 6) + r"\allowbreak{}"
    broken = escape_latex("astrocytoma_vs_ependymoma")
    assert broken == r"astrocytoma\_\allowbreak{}vs\_\allowbreak{}ependymoma"
    assert escape_latex("reader_1") == r"reader\_1"
