"""The page of a demo: whole, honest, and loading nothing."""

from __future__ import annotations

import re

import pytest
from markup import Balance

from spinalcord.demo import run_demo, write_page
from spinalcord.demo.demo_page import demo_html
from spinalcord.errors import InputError


def words(html):
    """What a reader sees."""
    return re.sub(r"\s+", " ", re.sub(r"<style.*?</style>|<[^>]+>", " ", html))


class Strict(Balance):
    """SVG closes some tags at once."""

    def handle_startendtag(self, tag, attrs):
        pass


@pytest.fixture
def page(folder, moved):
    return demo_html(run_demo("MS", 3, models=folder))


def test_page_is_whole_and_loads_nothing(page):
    balance = Strict()
    balance.feed(page)
    assert balance.open == []
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!#|data:image/png;base64,)', page) == []
    assert page.count("data:image/png;base64,") >= 3


def test_page_says_what_it_shows(page):
    text = words(page)
    assert "synthetic phantom" in text
    assert "not a medical device" in text
    assert "for tests of segmentation" in text
    assert "Drawn: MS; 1 lesion of 576 mm³ together." in text
    assert "Found: 1 lesion of 576 mm³ together; Dice 0.75." in text
    assert "Answer: NMOSD, which is wrong." in text
    assert "seed 3" in text
    assert "drawn: wide, light blue" in text
    assert "MS or NMOSD? Answer NMOSD; drawn was MS: wrong." in text
    assert "tumor or demyelination? Answer demyelination; drawn was demyelination: right." in text
    assert "the question does not apply to what was drawn" in text
    assert "of the positive attribution lies within the lesion." in text
    assert "phantom.make_case(&#x27;MS&#x27;, 3, difficulty=" in text
    for step in ("make the phantom", "open the models", "segment", "classify", "explain"):
        assert step in text
    assert re.search(r"threshold 0\.5, mean of 2 slices", text)


def test_bars_stand_at_their_probabilities(page, folder, moved):
    demo = run_demo("MS", 3, models=folder)
    bars = re.findall(r'<i style="width:([\d.]+)%"></i><b style="left:([\d.]+)%">', page)
    expected = [100 * a.probability for a in demo.case.diagnosis.tasks.values()]
    assert [float(width) for width, _ in bars] == pytest.approx(expected, abs=0.06)
    assert {cut for _, cut in bars} == {"50.0"}


def test_page_without_lesion_says_so(folder, moved):
    text = words(demo_html(run_demo(None, 3, models=folder)))
    assert "Drawn: no lesion; 0 lesions of 0 mm³ together." in text
    assert "Answer: no lesion, which is right." in text
    assert "so nothing was classified" in text
    assert "there is nothing to explain" in text
    assert "phantom.make_case(None, 3" in text


def test_lesion_that_was_missed_is_no_right_answer(folder, moved):
    folder.joinpath("x").touch()  # no model
    demo = run_demo("MS", 3, models=folder)
    missed = run_demo(None, 3, models=folder)
    mixed = type(demo)(
        demo.phantom, 3, missed.case, 0.0, demo.lesions[:1], demo.seconds, demo.notices
    )
    text = words(demo_html(mixed))
    assert "Answer: no lesion, which is wrong." in text
    assert "Found: 0 lesions of 0 mm³ together; Dice 0.00." in text


def test_page_is_written_whole_or_refused(folder, moved, tmp_path):
    demo = run_demo("MS", 3, models=folder)
    path = write_page(demo, tmp_path / "new" / "page.html")
    assert path.read_text(encoding="utf-8") == demo_html(demo)
    with pytest.raises(InputError, match="cannot be written"):
        write_page(demo, path / "below.html")
