"""The frame of a page: it loads nothing, and what it is given as text stays text."""

from __future__ import annotations

import re

from markup import Balance

from spinalcord.pictures.document import document, titled


def page(**changes):
    values = {
        "title": "A <b> page",
        "notices": ["first & foremost"],
        "main": titled("What it is", "<p>body</p>"),
        "sections": ["What it is"],
        "footer": "<p>end</p>",
    }
    return document(**(values | changes))


def test_page_is_whole_and_balanced():
    balance = Balance()
    balance.feed(page())
    assert balance.open == []


def test_contents_lead_to_the_sections():
    text = page()
    links = re.findall(r'href="#([^"]+)"', text)
    assert links == ["main", "part-what-it-is"]
    assert all(f'id="{link}"' in text for link in links)
    assert 'aria-labelledby="part-what-it-is"' in text


def test_texts_are_escaped():
    text = page()
    assert text.count("A &lt;b&gt; page") == 2
    assert "first &amp; foremost" in text
    assert "<b>" not in text
    assert "&lt;i&gt;" in titled("<i>", "")


def test_nothing_is_loaded():
    text = page()
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert re.findall(r'(?:src|href)="(?!#)', text) == []
