"""What the process may use, against what the system itself says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from spinalcord import _core

# The kernel's names of what each set of kernels needs, from the best down.
NEEDS = {
    "amx": {"amx_tile", "amx_bf16", "avx512_bf16"},
    "avx512_bf16": {"avx512_bf16", "avx512f"},
    "avx512": {"avx512f", "avx512bw", "avx512vl", "avx512dq"},
    "avx2": {"avx2", "fma"},
    "sse2": {"sse2"},
}


@pytest.fixture(scope="module")
def flags() -> set[str]:
    found = re.search(
        r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE
    )
    return set(found[1].split())


def threads(prepare: str = "", **environment: str) -> int:
    program = f"import os; {prepare}\nfrom spinalcord import _core; print(_core.cpu()['threads'])"
    kept = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=kept | environment, capture_output=True, text=True)
    return int(done.stdout)


def test_best_instruction_set_is_the_best_that_the_kernel_names(flags):
    assert _core.cpu()["isa"] == next(isa for isa, needs in NEEDS.items() if needs <= flags)


def test_bf16_and_int8_are_offered_where_the_cpu_has_them(flags):
    isa = _core.cpu()["isa"]
    bf16 = ("bf16",) if flags & {"avx512_bf16", "amx_bf16"} else ()
    needed = {"amx": "amx_int8", "avx2": "avx_vnni", "sse2": "nothing"}.get(isa, "avx512_vnni")
    int8 = ("int8",) if needed in flags else ()
    assert _core.cpu()["precisions"] == ("f32", *bf16, *int8)


def test_cpu_and_onednn_are_named():
    name = " ".join(_core.cpu()["name"].split())
    assert f": {name}\n" in re.sub(r" +", " ", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    assert re.fullmatch(r"3\.\d+\.\d+", _core.cpu()["onednn"])


@pytest.mark.slow
def test_threads_keep_to_affinity_and_openmp():
    usable = threads()
    assert 1 <= usable <= len(os.sched_getaffinity(0))
    assert threads("os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})") == 1
    assert threads(OMP_NUM_THREADS="1") == 1
    assert threads(OMP_NUM_THREADS="1,4") == 1
    assert threads(OMP_NUM_THREADS="100000") == usable
    assert threads(OMP_NUM_THREADS="no number") == usable


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one CPU leaves nothing to limit")
@pytest.mark.parametrize(
    "told",
    [
        {"cpu.max": "max 100000"},
        {"cpu.max": "50000 100000"},
        {"cpu.max": "110000 100000"},
        {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
        {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"},
    ],
    ids=["v2 none", "v2 half", "v2 more than one", "v1 none", "v1 half"],
)
def test_threads_keep_to_the_quota_of_the_control_group(told, tmp_path):
    """What the kernel tells of the group is replaced, for a process of its own alone."""
    for name, text in told.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n", encoding="utf-8")
    own = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount --bind {shlex.quote(str(tmp_path))} /sys/fs/cgroup"
    try:
        mounted = subprocess.run([*own, mount], capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("cannot mount anything here")
    program = "from spinalcord import _core; print(_core.cpu()['threads'])"
    kept = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    run = f"{mount} && exec {shlex.quote(sys.executable)} -c {shlex.quote(program)}"
    found = int(subprocess.check_output([*own, run], env=kept, text=True))
    quota = next(iter(told.values())).split()[0]
    if quota in ("max", "-1"):
        assert found == len(os.sched_getaffinity(0))
    else:
        assert found == (1 if quota == "50000" else 2)
