"""Models are opened while a scan is read, and a model's error comes first."""

from __future__ import annotations

import threading

import pytest

from spinalcord.analysis.opening import meanwhile
from spinalcord.errors import InputError, ModelError


def fail(error):
    raise error


def test_both_run_at_the_same_time():
    reading, opening = threading.Event(), threading.Event()

    def open_models():
        opening.set()
        assert reading.wait(10)

    def read():
        reading.set()
        return opening.wait(10)

    assert meanwhile(open_models, read) is True


def test_the_error_of_a_model_comes_first():
    with pytest.raises(ModelError, match="model"):
        meanwhile(lambda: fail(ModelError("model")), lambda: fail(InputError("scan")))
    with pytest.raises(ModelError, match="model"):
        meanwhile(lambda: fail(ModelError("model")), lambda: 1)


def test_the_error_of_a_scan_waits_for_the_models():
    done = []
    with pytest.raises(InputError, match="scan"):
        meanwhile(lambda: done.append(1), lambda: fail(InputError("scan")))
    assert done == [1]
