"""Whole runs, with real networks, that are killed, interrupted, or find the disk full."""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time

import pytest
from cohorts import FEW, FEW_OPTIONS, LOW, LOW_OPTIONS, quietly, results, table, tiny_scans
from pngs import decode

from spinalcord import _core, run_cohort
from spinalcord.errors import InputError


def start(scans, out, models, *options, **how):
    command = [sys.executable, "-m", "spinalcord", "run", scans, out, "--models", models, *options]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [str(part) for part in command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **how,
    )


def check_whole(out):
    """Every file under its own name is whole, and every record's files are there."""
    for path in out.rglob("*"):
        if path.is_dir() or path.name.endswith(".part") or path.name == "lock":
            continue
        if path.name.endswith(".json"):
            record = json.loads(path.read_text(encoding="utf-8"))
            for file in record.get("files", ()):
                assert (out / file["name"]).stat().st_size == file["size"]
        elif path.name.endswith(".gz"):
            assert len(gzip.decompress(path.read_bytes())) > 352
        elif path.suffix == ".png":
            assert decode(path.read_bytes()).size > 1000
        elif path.suffix == ".html":
            assert path.read_text(encoding="utf-8").endswith("</html>\n")
        else:
            lines = path.read_text(encoding="utf-8").split("\n")
            assert lines[-1] == ""
            assert len({line.count("\t") for line in lines[:-1]}) == 1


@pytest.mark.slow
def test_thirty_kills_lose_at_most_the_case_in_flight(tmp_path, random_models):
    """Killed at any moment, run again: in the end it is as if nothing had happened."""
    n, kills = 75, 30
    scans = tiny_scans(tmp_path / "in", n)
    out = tmp_path / "out"
    rng = random.Random(0)
    done = set()
    struck = 0
    for _ in range(kills):
        process = start(scans, out, random_models, "--threads", "1", "--quiet", *FEW_OPTIONS)
        records = out / ".spinalcord" / "cases"
        limit = time.monotonic() + 30
        before = len(list(records.rglob("*.json")))
        while process.poll() is None and time.monotonic() < limit:
            if len(list(records.rglob("*.json"))) > before or before >= n - 1:
                break  # it is at work
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        struck += process.returncode == -signal.SIGKILL and before < n - 1
        check_whole(out)
        now = {path.name for path in records.rglob("*.json") if not path.name.startswith(".")}
        assert done <= now  # what was done stays done
        assert len(now) > len(done) or len(done) >= n - 1
        done = now
    assert struck == kills  # each of them in the midst
    quietly(scans, out, models=random_models, threads=1, **FEW)
    assert list(out.rglob("*.part")) == []
    whole = quietly(scans, tmp_path / "undisturbed", models=random_models, threads=1, **FEW)
    assert 0 < sum(row["found"] for row in whole.read("cases.tsv")) < n
    assert results(out) == results(tmp_path / "undisturbed")


@pytest.mark.slow
def test_a_limit_on_file_size_acts_as_a_full_disk(tmp_path, random_models):
    scans = tiny_scans(tmp_path / "in", 2)
    out = tmp_path / "out"

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))

    process = start(scans, out, random_models, "--threads", "1", *LOW_OPTIONS, preexec_fn=limit)
    _, shown = process.communicate(timeout=60)
    assert process.returncode == 4
    assert "File too large. The run has stopped; what was done is kept" in shown
    assert list(out.rglob("*.part")) == []
    assert quietly(scans, out, models=random_models, threads=1, **LOW).counts["done"] == 2


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB; skips where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("cannot mount a small file system here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_disk_that_really_is_full(tmp_path, random_models, small_disk):
    scans = tiny_scans(tmp_path / "in", 30)
    out = small_disk / "out"
    with pytest.raises(InputError, match=r"No space left on device. The run has stopped"):
        run_cohort(scans, out, models=random_models, threads=1, **LOW)
    assert list(out.rglob("*.part")) == []
    check_whole(out)
    done = len(list((out / ".spinalcord" / "cases").rglob("*.json")))
    assert 2 <= done < 30
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    again = quietly(scans, out, models=random_models, threads=1, **LOW)
    assert (again.counts["kept"], again.counts["done"]) == (done, 30)


@pytest.mark.slow
def test_interrupting_a_run_with_processes(interruptible, tmp_path, random_models):
    if _core.cpu()["threads"] < 2:
        pytest.skip("needs two CPUs")
    scans = tiny_scans(tmp_path / "in", 60)
    out = tmp_path / "out"
    process = start(scans, out, random_models, "--jobs", "2", "--quiet")
    records = out / ".spinalcord" / "cases"
    limit = time.monotonic() + 60
    while len(list(records.rglob("*.json"))) < 3 and time.monotonic() < limit:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in shown
    assert "Traceback" not in shown
    assert 3 <= len(table(out / "cases.tsv")) < 60
