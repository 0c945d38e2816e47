"""The page's scripts outside a browser: verdict files are read by the rules of Python's reader."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from spinalcord.errors import InputError
from spinalcord.qc import review_page
from spinalcord.qc.verdicts import read_verdicts
from spinalcord.tables.cells import MISSING

CASES = json.loads(Path(__file__).with_name("verdict_cases.json").read_text(encoding="utf-8"))
FOLDER = Path(review_page.__file__).parent


@pytest.fixture(scope="module")
def read_by_script():
    """What the page's reader makes of each case: verdicts or the message, by name."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js to run the scripts with")
    functions = "".join(
        (FOLDER / name).read_text(encoding="utf-8") for name in review_page.FUNCTIONS
    )
    program = f"""{functions}
    const read = (text) => {{
      try {{
        const found = spinalcordQc.parseVerdicts(text);
        return Object.fromEntries([...found].map(([id, one]) => [id, [one.v, one.n]]));
      }} catch (error) {{ return error.message; }}
    }};
    const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
    console.log(JSON.stringify(cases.map((one) => read(one.text))));
    """
    done = subprocess.run(
        [node, "-e", program], input=json.dumps(CASES), capture_output=True, text=True, check=True
    )
    return dict(zip((case["name"] for case in CASES), json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_python_reads_a_file_of_verdicts(case):
    if "error" in case:
        with pytest.raises(InputError) as caught:
            read_verdicts(case["text"], "list")
        assert re.sub("^list(, |: )", "", str(caught.value)) == case["error"]
    else:
        found = read_verdicts(case["text"], "list")
        assert {name: list(one) for name, one in found.items()} == case["verdicts"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_page_reads_it_alike(case, read_by_script):
    assert read_by_script[case["name"]] == case.get("error", case.get("verdicts"))


def test_missing_values_are_those_of_tables():
    text = (FOLDER / "verdicts.js").read_text(encoding="utf-8")
    listed = re.search(r"MISSING = new Set\((\[.*?\])\)", text)[1]
    assert set(json.loads(listed)) == MISSING


def test_scripts_are_inlined_in_the_stated_order():
    names = [*review_page.FUNCTIONS, *review_page.PARTS]
    assert sorted(names) == sorted(path.name for path in FOLDER.glob("*.js"))
    whole = review_page.script()
    places = [whole.index((FOLDER / name).read_text(encoding="utf-8")) for name in names]
    assert places == sorted(places)
