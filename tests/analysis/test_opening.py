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

    assert meanwhile([open_models], read, 1) is True


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_several_threads_open_each_model_once(threads):
    opened: list[tuple[int, str]] = []
    barrier = threading.Barrier(min(threads, 4))

    def opener(number):
        def open_model():
            if number < min(threads, 4):  # the first ones wait for each other
                barrier.wait(10)
            opened.append((number, threading.current_thread().name))

        return open_model

    assert meanwhile([opener(number) for number in range(4)], lambda: "read", threads) == "read"
    assert sorted(number for number, _ in opened) == [0, 1, 2, 3]
    assert {name for _, name in opened} == {"spinalcord-open"}
    assert meanwhile([], lambda: "read", threads) == "read"


def test_after_an_error_no_further_model_is_opened():
    opened = []
    models = [lambda: fail(ModelError("first")), lambda: opened.append(2)]
    with pytest.raises(ModelError, match="first"):
        meanwhile(models, lambda: 1, 1)
    assert opened == []


def test_the_error_of_a_model_comes_first():
    with pytest.raises(ModelError, match="model"):
        meanwhile([lambda: fail(ModelError("model"))], lambda: fail(InputError("scan")), 2)
    with pytest.raises(ModelError, match="model"):
        meanwhile([lambda: fail(ModelError("model"))], lambda: 1, 2)


def test_the_error_of_a_scan_waits_for_the_models():
    done = []
    with pytest.raises(InputError, match="scan"):
        meanwhile([lambda: done.append(1)], lambda: fail(InputError("scan")), 2)
    assert done == [1]
