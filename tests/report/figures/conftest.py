from __future__ import annotations

import pytest


@pytest.fixture
def axes():
    """Axes of a figure that pyplot does not know."""
    figure = pytest.importorskip(
        "matplotlib.figure", reason="figures need matplotlib, of the extra report"
    )
    return figure.Figure().add_subplot()
