"""spinalcord.threads: what new processes are told, and that this one is left as it was."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from spinalcord.threads import limited_threads, thread_limits

CORE = "from spinalcord import _core; print(_core.cpu()['threads'])"
BLAS = (
    "import os, numpy as np; a = np.ones((600, 600)); a @ a; "
    "print(len(os.listdir('/proc/self/task')))"
)


def test_a_child_is_limited_and_this_process_is_not(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with limited_threads(1):
        assert {name: os.environ[name] for name in thread_limits(1)} == thread_limits(1)
        for program in (CORE, BLAS):
            assert int(subprocess.check_output([sys.executable, "-c", program])) == 1
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def test_limits_end_with_an_error_too(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    with pytest.raises(KeyError, match="x"), limited_threads(1):
        raise KeyError("x")
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"
