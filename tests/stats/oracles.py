"""Figures of R, with the inputs they were made from (tests/stats/r/oracles.R says how)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

R: dict[str, Any] = json.loads((Path(__file__).parent / "r" / "oracles.json").read_text())
