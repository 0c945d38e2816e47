"""Examples in docstrings are tests: `pytest --doctest-modules spinalcord` runs them."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _examples_write_into_a_folder_of_their_own(request, monkeypatch):
    """Let what an example writes to the current folder go to a temporary one."""
    if isinstance(request.node, pytest.DoctestItem):
        monkeypatch.chdir(request.getfixturevalue("tmp_path"))
