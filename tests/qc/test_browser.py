"""The page in a real browser, worked by keyboard."""

from __future__ import annotations

import json
import time

import pytest
from browser import Browser, find_chromium
from reviews import make_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium to open the page in"),
]
DRAWN = "document.querySelector('#legend .scale')"
CURRENT = "document.getElementById('name').textContent"


def text(element):
    return f"document.getElementById('{element}').textContent"


def listed(browser):
    return browser.evaluate("[...document.querySelectorAll('.row')].map(r => r.textContent)")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    make_run(out, 40, excluded={"sub-00003": "quality control: artefact: moved"})
    return out


@pytest.fixture(scope="module")
def window():
    with Browser() as one:
        yield one


@pytest.fixture
def browser(run, window):
    """The page, opened afresh by somebody who has judged nothing yet."""
    window.open((run / "qc.html").as_uri())
    window.evaluate("localStorage.clear()")
    window.open((run / "qc.html").as_uri() + f"?{time.monotonic_ns()}")
    window.wait(DRAWN)
    yield window
    assert window.complaints() == []


def press(browser, keys):
    for key in keys:
        browser.press(key)


def test_a_cohort_is_judged_by_keyboard_alone(run, browser):
    assert browser.evaluate("document.activeElement.id") == "list"
    press(browser, ["p", "j", "f", "n"])
    browser.type('misses "one" j')  # letters of a note are no commands
    press(browser, ["Enter", "ArrowDown", "a", "j", "p", "k", "u", "End"])
    assert browser.evaluate(CURRENT) == "sub-00003"
    press(browser, ["Home", "PageDown"])
    assert browser.evaluate(CURRENT) == "sub-00011"
    expected = (
        "case_id\tverdict\tnote\nsub-00000\tpass\tn/a\n"
        'sub-00001\tfail\t"misses ""one"" j"\nsub-00004\tpass\tn/a\n'
    )
    assert browser.evaluate("spinalcordQc.exported()") == expected
    assert "3 of 40 cases judged: 2 pass, 1 fail, 0 artefact" in browser.evaluate(text("progress"))
    # They are there again when the page is opened anew.
    browser.open((run / "qc.html").as_uri() + "?again#case=sub-00001")
    browser.wait(DRAWN)
    assert browser.evaluate(CURRENT) == "sub-00001"
    assert browser.evaluate("spinalcordQc.exported()") == expected
    assert browser.evaluate("document.querySelector('[data-verdict=fail]').ariaPressed") == "true"


def test_what_is_exported_is_what_a_run_leaves_out(run, browser):
    from spinalcord.qc.verdicts import excluded_cases

    press(browser, ["f", "n"])
    browser.type('a "quoted" word')
    press(browser, ["Escape", "j", "a", "j", "p"])
    exported = browser.evaluate("spinalcordQc.exported()")
    assert excluded_cases(exported, "x") == {
        "sub-00000": 'quality control: fail: a "quoted" word',
        "sub-00001": "quality control: artefact",
    }
    browser.evaluate("localStorage.clear()")
    browser.open((run / "qc.html").as_uri() + "?empty")
    assert browser.evaluate("spinalcordQc.exported()").count("\n") == 1
    browser.evaluate(f"spinalcordQc.take({json.dumps(exported)})")
    assert browser.evaluate("spinalcordQc.exported()") == exported
    browser.evaluate("spinalcordQc.take('case_id\\tverdict\\tnote\\nsub-00000\\tmaybe\\t')")
    assert "Nothing imported" in browser.evaluate(text("trouble"))
    assert browser.evaluate("spinalcordQc.exported()") == exported


def test_the_list_is_filtered_and_sorted(browser):
    def choose(element, value):
        browser.evaluate(
            f"(() => {{ const e = document.getElementById('{element}'); e.value = '{value}';"
            "e.dispatchEvent(new Event('input', {bubbles: true})); })()"
        )

    press(browser, ["p", "j", "f"])
    choose("by-verdict", "fail")
    assert len(listed(browser)) == 1
    choose("by-verdict", "none")
    assert "38 cases of 40" in browser.evaluate(text("shown"))
    choose("by-verdict", "")
    choose("by-answer", "failed")
    assert "3 cases of 40" in browser.evaluate(text("shown"))
    choose("by-answer", "")
    choose("order", "volume")
    browser.evaluate("document.getElementById('list').focus()")
    press(browser, ["Home"])
    assert listed(browser)[0].startswith("sub-00038")
    choose("volume-from", "120")
    choose("volume-to", "122")
    assert [row[:9] for row in listed(browser)] == ["sub-00022", "sub-00020"]
    browser.evaluate("document.getElementById('reset').click()")
    browser.wait("document.getElementById('shown').textContent.startsWith('40 cases')")
    choose("order", "p2")
    p = browser.evaluate(
        "spinalcordQc.sortCases([{index: 0, p: [0, 0, null]}, {index: 1, p: [0, 0, 0.9]},"
        "{index: 2, p: [0, 0, 0.2]}], 'p2', true, new Map()).map(c => c.index)"
    )
    assert p == [1, 2, 0]  # without a value last, whichever way round
    press(browser, ["/"])
    browser.type("00017")
    assert [row[:9] for row in listed(browser)] == ["sub-00017"]


def test_layers_are_shown_hidden_and_faded(browser):
    def picture():
        # The canvas may not be read on a page from disk.
        time.sleep(0.2)
        return browser.send("Page.captureScreenshot", format="png")["data"]

    plain = picture()
    assert picture() == plain
    press(browser, ["o"])
    without = picture()
    assert without != plain
    assert not browser.evaluate("document.querySelector('#outlines input').checked")
    press(browser, ["o"])
    assert picture() != without
    press(browser, ["h"])
    assert "attribution for" in browser.evaluate(text("legend"))
    press(browser, ["h"])
    told = "40.0 % of it in the lesion; 2.5 % if it were spread evenly"
    assert told in browser.evaluate(text("legend"))
    press(browser, ["h"])
    assert "attribution for" not in browser.evaluate(text("legend"))
    before = browser.evaluate("document.getElementById('line').value")
    press(browser, ["[", "["])
    assert int(browser.evaluate("document.getElementById('line').value")) == int(before) - 20
    press(browser, ["+", "+"])
    assert browser.evaluate("document.getElementById('zoom').value") == "1.5"


def test_answers_can_be_hidden_and_keys_switched_off(browser):
    shown = "getComputedStyle(document.getElementById('answers')).display !== 'none'"
    assert browser.evaluate(shown)
    press(browser, ["b"])
    assert not browser.evaluate(shown)
    assert "astrocytoma" not in browser.evaluate("document.getElementById('list').innerText")
    press(browser, ["b"])
    browser.evaluate("document.getElementById('keys').click()")
    press(browser, ["p"])
    assert "0 of 40" in browser.evaluate(text("progress"))
    press(browser, ["ArrowDown"])
    assert browser.evaluate(CURRENT) == "sub-00001"


def test_help_opens_and_closes(browser):
    press(browser, ["?"])
    assert browser.evaluate("document.getElementById('keys-shown').open")
    press(browser, ["j"])
    assert browser.evaluate(CURRENT) == "sub-00000"
    press(browser, ["Escape"])
    assert not browser.evaluate("document.getElementById('keys-shown').open")


def test_a_missing_picture_is_told_of(tmp_path):
    make_run(tmp_path, 3)
    for path in tmp_path.rglob("*.png"):
        path.unlink()
    with Browser() as one:
        one.open((tmp_path / "qc.html").as_uri())
        one.wait("document.getElementById('mosaic').textContent.includes('not beside this page')")


def test_results_that_changed_since_are_told_of(tmp_path):
    make_run(tmp_path, 3, pictures=False)
    with Browser() as one:
        one.open((tmp_path / "qc.html").as_uri())
        press(one, ["f"])
        assert one.evaluate(text("state")) == ""
        path = tmp_path / "qc.html"
        page = path.read_text(encoding="utf-8")
        assert page.count('"00000000"') == 1
        path.write_text(page.replace('"00000000"', '"99999999"'), encoding="utf-8")
        one.open(path.as_uri() + "?new")
        assert "on earlier results" in one.evaluate(text("state"))
        press(one, ["f"])
        assert one.evaluate(text("state")) == ""


def test_contrast_is_enough_everywhere(browser):
    """WCAG 2 AA: 4.5 for text, as the browser has computed its colours."""
    press(browser, ["f", "j", "a", "j", "p"])
    worst = browser.evaluate("""(() => {
      const rgb = (s) => (s.match(/[\\d.]+/g) || []).map(Number);
      const light = ([r, g, b]) => [r, g, b].map((v) => { v /= 255;
        return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; })
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
      const behind = (e) => { for (; e; e = e.parentElement) {
        const c = rgb(getComputedStyle(e).backgroundColor);
        if (c.length === 3 || c[3] > 0.6) return c; } return [255, 255, 255]; };
      const found = [];
      for (const e of document.querySelectorAll('body *')) {
        const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        if (!own || !e.getClientRects().length || ['SCRIPT', 'STYLE'].includes(e.tagName)) continue;
        const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
        found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.tagName, e.id,
          e.className, e.textContent.slice(0, 30)]);
      }
      found.sort((x, y) => x[0] - y[0]);
      return [found.length, found[0]];
    })()""")
    assert worst[0] > 60
    assert worst[1][0] >= 4.5, worst


def test_ten_thousand_cases(tmp_path):
    make_run(tmp_path, 10_000, pictures=False)
    with Browser() as one:
        before = one.cost()
        one.open((tmp_path / "qc.html").as_uri())
        one.wait("document.querySelectorAll('.row').length")
        opened = one.cost()
        assert one.evaluate("document.querySelectorAll('*').length") < 1000
        press(one, ["End", "f"])
        assert one.evaluate(CURRENT) == "sub-09999"
        press(one, ["/"])
        searched = one.cost()
        one.type("0077")
        assert one.evaluate(text("shown")) == "11 cases of 10,000"
        assert one.cost()[0] - searched[0] < 2.0
        assert opened[0] - before[0] < 4.0  # of the processor; 0.3 s on one of today
        assert opened[1] - before[1] < 300
