"""kill -9 in the midst of a training, thirty times: resumed to the same bytes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed")

# A process of its own loads torch once; each training is a child of it, forked before any thread
# has started. It reads a line for each: seconds to live once a checkpoint has been written, or -1.
PROGRAM = """
import os, signal, sys, time
from pathlib import Path
import torch
from spinalcord.training import loop, trainer
from spinalcord.training.settings import Settings
bids, cache = sys.argv[1:]
settings = Settings(epochs=2, steps=20, batch=1, patch=(32, 32), device="cpu", precision="f32")

def train(out, every_step):
    loop.CHECKPOINT_S = 0.0 if every_step else 1e9
    torch.set_num_threads(1)
    trainer.train_network(
        "segmentation", bids, out, settings=settings, cache=cache,
        resume=(out.parent / (out.stem + ".training") / "checkpoint.pt").exists(),
    )

for line in sys.stdin:
    out, seconds = line.rsplit(None, 1)
    out, seconds = Path(out), float(seconds)
    child = os.fork()
    if child == 0:
        try:
            train(out, seconds >= 0)
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            os._exit(1)
    ended = 0
    if seconds >= 0:
        state = out.parent / (out.stem + ".training") / "checkpoint.pt"
        before = state.stat().st_mtime_ns if state.exists() else 0
        while not ended:
            ended, status = os.waitpid(child, os.WNOHANG)
            if not ended and state.exists() and state.stat().st_mtime_ns != before:
                time.sleep(seconds)
                os.kill(child, signal.SIGKILL)
                break
            time.sleep(0.002)
    if not ended:
        _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


def tensors(path: Path) -> bytes:
    """All but the header, which holds how long the training took."""
    data = path.read_bytes()
    return data[8 + int.from_bytes(data[:8], "little") :]


@pytest.fixture
def folder(tmp_path):
    """In memory, where there is room: a hundred checkpoints of 140 MB are written."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shutil.disk_usage(shared).free < 3 << 30:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="kills-", dir=shared) as name:
        yield Path(name)


@pytest.mark.slow
def test_thirty_kills_and_the_same_bytes(bids, folder):
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OMP_NUM_THREADS": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, bids, folder / "cache"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip

    def train(out: Path, seconds: float) -> int:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{out} {seconds}\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    whole, killed = folder / "whole.safetensors", folder / "killed.safetensors"
    assert train(whole, -1) == 0
    rng = random.Random(0)
    for kill in range(30):
        assert train(killed, rng.uniform(0, 0.03)) == -signal.SIGKILL, kill
        assert not killed.exists()
    assert train(killed, -1) == 0
    process.stdin.close()
    process.wait()
    assert tensors(killed) == tensors(whole)
    assert list(folder.rglob("*.part")) == []
    curves = [(folder / f"{n}.training/curves.csv").read_text() for n in ("whole", "killed")]
    assert len({len(text.splitlines()) for text in curves}) == 1
