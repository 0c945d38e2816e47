"""benchmarks/trace_calls.py: the path of a scan through the package, and where it leads back up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# The work of a pipeline is called by the reading that goes on beside it; a Volume reads a path.
UP = {
    "spinalcord.analysis.opening -> spinalcord.analysis.pipeline",
    "spinalcord.scans.volume -> spinalcord.scans.reading",
}


@pytest.mark.slow
def test_no_other_call_of_segment_leads_up():
    ran = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "trace_calls.py"],
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(ran.stdout)
    assert set(found["up"]) == UP
    assert found["calls_up"] == sum(found["up"].values()) < found["calls_between_files"]
    assert {"spinalcord.api", "spinalcord.analysis.segmentation"} <= set(found["passed"])
    assert found["files"] == len(found["passed"])
