"""Every reference is whole, and every method of the package can be named."""

from __future__ import annotations

import re

from spinalcord.report.references import BH, HOLM, METHODS


def test_references_have_authors_a_year_and_pages():
    cited = {text for method in METHODS for text in method.cites} | {HOLM, BH}
    for text in cited:
        assert re.search(r"(19|20)\d\d", text), text
        assert text.endswith("."), text
        assert text[0].isupper(), text


def test_one_entry_a_method():
    assert len({method.found for method in METHODS}) == len(METHODS)
