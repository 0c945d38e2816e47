"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from stand_ins import cord_folder, model_folder, scan, stand_in  # noqa: F401 - fixtures

ROOT = Path(__file__).resolve().parents[1]
SCANS = Path(os.environ.get("SPINALCORD_TEST_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def scans() -> Path:
    """Folder of third-party scans, which the project does not hold; skips where it is absent."""
    if not SCANS.is_dir():
        pytest.skip(f"no scans in {SCANS} (SPINALCORD_TEST_DATA names another folder)")
    return SCANS
