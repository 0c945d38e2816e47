"""What reads files and arrays, fuzzed: the committed seeds, and inputs changed from them.

`tests/fuzz/targets.py` runs any number of them, `tests/fuzz/run` those of the C core.
"""

from __future__ import annotations

import pytest
from fuzz.targets import TARGETS, fuzz, seeds

NEEDS = {"spreadsheet": "openpyxl"}


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_inputs_are_used_or_refused(target):
    if target in NEEDS:
        pytest.importorskip(NEEDS[target])
    counts = fuzz(target, 60 if target == "network" else 150, seed=1)
    assert counts["faults"] == 0, counts
    assert counts["used"] > 0
    assert counts["refused"] > 0
    assert counts["used"] + counts["refused"] == len(seeds(target)) + (
        60 if target == "network" else 150
    )
