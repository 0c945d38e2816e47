"""Processes of every kind, joblib, interpreters and signals beside the core."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import multiprocessing, sys
import numpy as np
from spinalcord.models.network import Network

def answer(_):
    images = np.random.default_rng(0).random((2, 3, 32, 32), dtype=np.float32)
    return Network.open({model!r}, threads=2)(images).tobytes()

if __name__ == "__main__":
    want = answer(0)  # the parent's own threads are there before its children
    {act}
    assert got == [want] * len(got) and len(got) == 2, "other bits"
    print("equal")
"""
POOL = 'with multiprocessing.get_context("{}").Pool(2) as pool: got = pool.map(answer, [1, 2])'
JOBLIB = "import joblib; got = joblib.Parallel(2)(joblib.delayed(answer)(i) for i in (1, 2))"
ACTS = {kind: POOL.format(kind) for kind in ("fork", "forkserver", "spawn")} | {"joblib": JOBLIB}


def python(*arguments, timeout=120):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", *map(str, arguments)],
        capture_output=True, text=True, env=environment, timeout=timeout,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", ACTS)
def test_children_of_every_kind_give_the_same_bits(tmp_path, random_models, kind):
    if kind == "joblib":
        pytest.importorskip("joblib")
    program = tmp_path / "program.py"
    model = str(random_models / "ms_vs_nmosd.safetensors")
    program.write_text(PROGRAM.format(model=model, act=ACTS[kind]))
    done = python(program)
    assert (done.returncode, done.stdout) == (0, "equal\n"), done.stderr


INTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import spinalcord._core
inner = interpreters.create()
try:
    failure = interpreters.run_string(inner, "import spinalcord._core as c; c.cpu()")
    said = "" if failure is None else f"{failure.type.__name__} {failure.msg}"
except Exception as error:
    said = str(error)
interpreters.destroy(inner)
print("refused" if "ImportError" in said else "works" if not said else said)
print(spinalcord._core.cpu()["threads"] > 0)
"""


@pytest.mark.slow
def test_a_subinterpreter_works_or_is_refused_and_the_main_one_goes_on():
    done = python("-c", INTERPRETER)
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first in ("refused", "works"), first
    assert last == "True"
    if sys.version_info >= (3, 12):
        assert first == "refused"


TORCH = """
import threading
import numpy as np
from spinalcord.models.network import Network

images = np.random.default_rng(0).random((2, 3, 32, 32), dtype=np.float32)
network = Network.open({model!r}, threads=2, backend={backend!r})
want = network(images).tobytes()  # our threads are there before torch's
import torch
torch.set_num_threads(2)
a = torch.ones(400, 400)
product = (a @ a).sum().item()
got, stop = [], threading.Event()
def work():
    while not stop.is_set():
        assert (a @ a).sum().item() == product
other = threading.Thread(target=work)
other.start()
for _ in range(20):
    got.append(network(images).tobytes())
stop.set()
other.join()
assert got == [want] * 20, "other bits"
late = Network.open({model!r}, threads=2, backend={backend!r})  # torch's are there before ours
assert late(images).tobytes() == want, "other bits"
maps = {{line.split()[-1] for line in open("/proc/self/maps") if "libgomp" in line}}
print("equal", len(maps))
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["own", "onednn"])
def test_torch_computes_in_the_same_process(random_models, backend):
    """With an OpenMP runtime of its own where torch ships one beside the system's."""
    pytest.importorskip("torch", reason="torch is not installed")
    model = str(random_models / "ms_vs_nmosd.safetensors")
    done = python("-c", TORCH.format(model=model, backend=backend))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "equal"


GIL = """
import sys, warnings
before = getattr(sys, "_is_gil_enabled", lambda: True)()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import spinalcord._core as core
after = getattr(sys, "_is_gil_enabled", lambda: True)()
told = any("GIL" in str(w.message) for w in caught)
print(core.cpu()["threads"] > 0, after, told == (not before))
"""


def test_the_lock_is_on_where_the_core_is_loaded():
    """A free-threaded Python turns it on, and says so; others have it on."""
    done = python("-c", GIL)
    assert (done.returncode, done.stdout) == (0, "True True True\n"), done.stderr
