"""The page: whole, without scripts, readable without eyes, and safe whatever a table holds."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.report.contents import gather
from spinalcord.report.page import report_html, to_markdown

pytest.importorskip("matplotlib", reason="reports need matplotlib, of the extra report")
pytest.importorskip("scipy", reason="reports need SciPy, of the extra report")
EVIL = "<img src=x onerror=alert(1)>"


class Outline(HTMLParser):
    """Tags with their attributes; what is open must be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def contents():
    table = cohorts.drawn(60)
    for column in ("reader_1", "reader_2"):
        table[f"{column}{EVIL}"] = table.pop(column)
    table["notice"] = [f"{EVIL} & synthetic"] * 60
    table["case_id"][1] = EVIL
    table["diagnosis"][1] = "MS"  # wrong, so that it is listed
    cohort = Cohort(table)
    cohort.lesions = cohorts.lesions(60)
    return gather(cohort, title=f"Study {EVIL}")


def test_everything_is_escaped(contents):
    html, markdown = report_html(contents), to_markdown(contents)
    for text in (html, markdown):
        assert "<img src=x" not in text
        assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "<script" not in html


def test_the_page_is_whole_and_loads_nothing(contents):
    page = Outline(report_html(contents))
    assert page.open == []
    assert page.all("html") == [{"lang": "en"}]
    assert not page.all("script") + page.all("link") + page.all("iframe")
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    assert policy.startswith("default-src 'none'")
    for image in page.all("img"):
        assert image["src"].startswith("data:image/svg+xml;base64,")


def test_it_can_be_read_without_eyes(contents):
    page = Outline(report_html(contents))
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    assert all(len(image["alt"]) > 30 for image in page.all("img"))
    assert len(page.all("img")) == 10
    assert len(page.all("caption")) == len(page.all("table")) > 8
    assert all(th.get("scope") in ("row", "col") for th in page.all("th"))
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len({*names})
    links = {a["href"][1:] for a in page.all("a")}
    assert links <= {*names}


def test_notice_and_split_stand_before_the_results(contents):
    html = report_html(contents)
    first = html.index("Main results")
    for text in ("synthetic", "Evaluated: the 60 patients of the split test", "not for clinical"):
        assert html.index(text) < first


@pytest.mark.slow
def test_long_tables_are_folded_and_cut():
    table = cohorts.drawn(1200)
    html = report_html(gather(Cohort(table)))
    assert "rows; errors.csv contains all" in html
    assert html.count("<tr>") < 700


def test_markdown_has_the_same_parts(contents):
    text = to_markdown(contents)
    for section in contents.sections:
        assert f"## {section.title}" in text
    assert "](roc.svg)" in text
    assert "**Models" not in text


@pytest.mark.slow
def test_what_is_missing_is_on_both():
    contents = gather(Cohort(cohorts.of_letter()))
    assert "Not made, and why" in report_html(contents)
    assert "## Not made" in to_markdown(contents)
