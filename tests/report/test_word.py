"""The report as a Word document."""

from __future__ import annotations

import builtins
import io

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.contents import gather
from spinalcord.report.word import to_docx

pytest.importorskip("matplotlib", reason="reports need matplotlib, of the extra report")
pytest.importorskip("scipy", reason="reports need SciPy, of the extra report")


@pytest.fixture(scope="module")
def contents():
    return gather(Cohort(cohorts.drawn(30)), title="A study")


def test_headings_tables_and_figures(contents):
    docx = pytest.importorskip("docx", reason="needs python-docx, of the extra docx")
    plate = next(p for section in contents.sections for p, _ in section.plates if p.name == "roc")
    picture = plate.to_png(Cohort(cohorts.drawn(30)))
    document = docx.Document(io.BytesIO(to_docx(contents, {"roc": picture})))
    words = [paragraph.text for paragraph in document.paragraphs]
    assert words[0] == "A study"
    assert "Statistical methods" in words
    shown = [table for section in contents.sections for table in section.tables]
    assert len(document.tables) == len(shown)
    cells = [cell.text for cell in document.tables[0].rows[0].cells]
    assert cells[0] == "characteristic"
    assert len(document.inline_shapes) == 1
    # The longest words get the most room: table 2's results more than its first column.
    table2 = document.tables[[table.name for table in shown].index("table2")]
    widths = {cell.text: cell.width for cell in table2.rows[0].cells}
    assert widths["result"] > 1.5 * widths["task"]
    assert sum(widths.values()) == pytest.approx(document.sections[0].page_width, rel=0.2)
    assert any("n = 30 (tumor or demyelination)" in text for text in words)


@pytest.mark.slow
def test_the_same_bytes_again(contents):
    pytest.importorskip("docx", reason="needs python-docx, of the extra docx")
    assert to_docx(contents, {}) == to_docx(contents, {})


def test_without_python_docx(contents, monkeypatch):
    real = builtins.__import__

    def missing(name, *rest, **options):
        if name == "docx":
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setitem(__import__("sys").modules, "docx", None)
    with pytest.raises(InputError, match=r"a Word document needs docx.*spinalcord\[docx\]"):
        to_docx(contents, {})
