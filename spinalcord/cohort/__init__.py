"""Many cases: read, segment, classify, explain, write; resume, record failures, scale out."""

from __future__ import annotations

from .running import CohortRun, run_cohort

__all__ = ["CohortRun", "run_cohort"]
