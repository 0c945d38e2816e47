"""Run cohorts: process many cases, resume, record failures, scale out."""

from __future__ import annotations

from .cohort_run import CohortRun
from .running import run_cohort

__all__ = ["CohortRun", "run_cohort"]
