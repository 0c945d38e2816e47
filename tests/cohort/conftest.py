"""Fixtures of the tests of cohorts."""

from __future__ import annotations

from cohorts import random_models  # noqa: F401 - a fixture
