"""Fixtures for all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import cluster  # noqa: F401 - a fixture
from command_line import random_models, scan_file  # noqa: F401 - fixtures
from stand_ins import cord_folder, model_folder, scan, stand_in  # noqa: F401 - fixtures

ROOT = Path(__file__).resolve().parents[1]
SCANS = Path(os.environ.get("SPINALCORD_TEST_DATA", ROOT.parent / "shared" / "data")).absolute()


@pytest.fixture(scope="session")
def scans() -> Path:
    """Folder of third-party scans, which the project does not hold; skips where it is absent."""
    if not SCANS.is_dir():
        pytest.skip(f"no scans in {SCANS} (SPINALCORD_TEST_DATA names another folder)")
    return SCANS


@pytest.fixture(scope="session", autouse=True)
def elsewhere(tmp_path_factory) -> Iterator[None]:
    """Run the tests in an empty folder.

    `python -c` and `python -m` look in the working folder first: in the unpacked source archive,
    where the package is not built, a child process would import that instead of the installed one.
    """
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield
    os.chdir(before)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT interrupt this process and its children, even where it is ignored.

    A shell starts background jobs with SIGINT ignored, and children inherit that; a handler, in
    contrast, becomes the default when a child starts.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
