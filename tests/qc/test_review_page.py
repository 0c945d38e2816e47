"""The page's text: whole HTML, data that cannot break out of it, nothing from elsewhere."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from spinalcord.qc import review_page as page

ROOT = Path(__file__).resolve().parents[2]
NASTY = "</script><!-- <script>alert(1)</script> \u2028 & \"quoted\" 'single'"


def make(rows, **about):
    options = {"name": "c", "version": "1", "notice": "n", "page": 0, "n_pages": 1} | about
    body = "".join(page.row(r, first=i == 0) for i, r in enumerate(rows))
    return page.opening(**options) + body + page.closing()


def data_of(text):
    found = re.search(r'<script type="application/json" id="data">\n(.*?)\n</script>', text, re.S)
    return json.loads(found[1])


def row(**values):
    return dict.fromkeys(page.COLUMNS) | values


@pytest.mark.parametrize("n", [0, 1, 3])
def test_rows_come_back(n):
    data = data_of(make([row(id=f"case {i}", volume=i) for i in range(n)]))
    assert [r[0] for r in data["rows"]] == [f"case {i}" for i in range(n)]
    assert data["columns"] == list(page.COLUMNS)
    assert [task["name"] for task in data["about"]["tasks"]][-1] == "ms_vs_nmosd"


def test_no_text_breaks_out_of_its_place():
    text = make([row(id=NASTY, warnings=[NASTY])], name=NASTY, notice=NASTY)
    assert data_of(text)["rows"][0][0] == NASTY
    assert data_of(text)["about"]["notice"] == NASTY
    assert "alert(1)</script>" not in text.replace("&lt;", "")
    assert text.count("</script>") == 2


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def test_nothing_is_loaded_from_elsewhere():
    text = make([row(id="a")])
    for tag, attributes in Elements(text).found:
        assert not {"src", "srcset", "data", "action"} & set(attributes), tag
        assert tag not in ("link", "iframe", "object", "base")
    assert "http:" not in text
    assert "https:" not in text
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    assert "default-src 'none'" in policy
    assert not re.search(r"fetch\(|XMLHttpRequest|innerHTML|insertAdjacentHTML|eval\(", text)


def test_every_control_has_a_name_and_ids_are_unique():
    text = make([])
    elements = Elements(text).found
    ids = [a["id"] for _, a in elements if "id" in a]
    assert len(ids) == len(set(ids))
    script = page.script()
    assert set(re.findall(r'\$\("([\w-]+)"\)', script)) <= set(ids)
    labelled = re.sub(r"<label.*?</label>", "", text, flags=re.S)
    for tag, attributes in Elements(labelled).found:
        if tag in ("input", "select", "textarea"):
            assert "aria-label" in attributes, attributes


def test_pages_of_a_large_cohort_name_each_other():
    text = make([], page=1, n_pages=3)
    assert data_of(text)["about"]["pages"] == ["qc.html", "qc-2.html", "qc-3.html"]
    assert "part 2 of 3" in text


def test_the_parts_of_the_page_ship():
    parts = {path.suffix for path in Path(page.__file__).parent.iterdir() if path.is_file()}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    shipped = re.search(r'^"spinalcord\.qc" = \[(.*)\]$', project, re.M)[1]
    assert {f'"*{suffix}"' for suffix in parts - {".py", ".pyc"}} == set(shipped.split(", "))
