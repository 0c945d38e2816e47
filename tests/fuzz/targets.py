#!/usr/bin/env python3
"""Fuzz what reads files and arrays in Python: seeds are changed at random, the same on every run.

tests/fuzz/targets.py TARGET|all [--runs N] [--seed S] [--coverage]

An input may be refused by one of the package's own exceptions or be used; anything else is a fault:
another exception, more than 10 s, or more memory at once than 4 times the input's honest size (what
is larger of the input and of what was read from it) and 64 MB. The input is kept in build/fuzz.
With --coverage the choice of inputs is that of atheris (`pip install atheris`), which sees what the
Python code does with them.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCRATCH = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a thousand small files a second
SECONDS = 10
SPARE_NBYTES = 1 << 30
# Of what an input asks for at once; the allowance is what libraries load and buffers take.
TIMES_HONEST = 4
ALLOWANCE_NBYTES = 64 << 20
WORDS = [b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x00\x00\x80\x7f", b"\x00\x00\xc0\x7f",
         b"\xff\x7f", b"\x00\x80", b"\xff\xff\xff\x7f", b"-1", b"0", b"nan", b"1e400", b"99999999",
         b"\n", b"\t", b",", b";", b'"', b"\\", b"\r", b"\x00", b"\xff\xfe", b"{", b"[", b"null",
         b"\xfe\xff\x00\xe0", b"\x00" * 16, b"sizes: 70000 70000 70000",
         b"DimSize = 60000 60000 60000"]  # fmt: skip

# Takes an input, returns the bytes of what it has read from it.
Target = Callable[[bytes, Path], int]


def _file(name: str) -> Target:
    def read_scan(data: bytes, folder: Path) -> int:
        from spinalcord.scans.reading import read

        path = folder / name
        path.write_bytes(data)
        return int(read(path).array.nbytes)

    return read_scan


def _mask(data: bytes, folder: Path) -> int:
    import numpy as np

    from spinalcord.scans.reading import read_mask
    from spinalcord.scans.volume import Volume

    path = folder / "mask.nii"
    path.write_bytes(data)
    scan = Volume(np.arange(210.0).reshape(5, 6, 7), np.diag([3.0, 1.0, 1.0, 1.0]))
    return int(read_mask(path, like=scan, label=1 + len(data) % 2).array.nbytes)


def _model(data: bytes, folder: Path) -> int:
    from spinalcord.models.model_file import read_model

    path = folder / "m.safetensors"
    path.write_bytes(data)
    read_model(path)
    return 0  # tensors are left alone


def _model_json(data: bytes, folder: Path) -> int:
    """The header alone, with a length that fits it: deeper than a damaged length lets one."""
    return _model(len(data).to_bytes(8, "little") + data + bytes(8), folder)


def _table(data: bytes, folder: Path) -> int:
    from spinalcord.tables.reading import read_table

    path = folder / "t.csv"
    path.write_bytes(data)
    read_table(path, known=["case_id", "age", "sex"])
    return 0


def _spreadsheet(data: bytes, folder: Path) -> int:
    from spinalcord.tables.reading import read_table

    path = folder / "t.xlsx"
    path.write_bytes(data)
    read_table(path, known=["case_id"])
    return 0


def _verdicts(data: bytes, folder: Path) -> int:
    from spinalcord.qc.verdicts import read_exclusions, read_verdicts

    path = folder / "v.tsv"
    path.write_bytes(data)
    read_verdicts(data.decode("utf-8", "replace"), "v.tsv")
    read_exclusions(path)
    return 0


def _network(data: bytes, folder: Path) -> int:
    """An array of any type, shape, strides and values, to every method of a network."""
    import numpy as np

    data = data.ljust(16, b"\x01")
    types = ("f4", "f8", ">f4", "i2", "u1", "c8", "?", "O", "f2", "U2")
    dtype = np.dtype(types[data[0] % len(types)])
    ndim = data[1] % 6 if data[1] > 100 else 4
    sides = (0, 1, 2, 3, 16, 32, 33, 48)
    shape = tuple(sides[byte % len(sides)] for byte in data[2 : 2 + ndim])
    if ndim == 4 and data[8] > 60:
        shape = (1 + data[2] % 2, (1, 3)[data[3] % 2], sides[4 + data[4] % 4], 32)
    n = int(np.prod(shape, dtype=np.int64))
    if n > 1 << 16:  # the arrays made here, not the package's, would be what takes memory
        shape = tuple(min(side, 8) for side in shape)
        n = int(np.prod(shape))
    raw = np.resize(np.frombuffer(data[16:] or b"\x40", np.uint8), max(n, 1) * 2 + 8)
    values = raw.astype(dtype) if dtype.kind in "OU" else (raw / 255).astype(dtype)
    array = values[:n].reshape(shape)
    if data[9] % 3 == 1 and ndim > 1:
        array = array.swapaxes(0, ndim - 1)[::-1]
    elif data[9] % 3 == 2:
        steps = [(0 if byte & 1 else values.itemsize) for byte in data[10 : 10 + ndim]]
        array = np.lib.stride_tricks.as_strided(values, shape, steps)
    if data[15] % 5 == 0 and dtype.kind == "f" and n:
        values[0] = (np.nan, np.inf, 1e30, -1.0)[data[14] % 4]
    network = _networks()[data[7] % 2]
    calls = (network, network.features, network.gradcam, network.backward)
    arguments = ((), (), (data[12] % 4 - 1,), ((data[12] % 3 - 1.0, 1.0),))
    calls[data[6] % 4](array, *arguments[data[6] % 4])
    return 64 << 20  # the layers of 2 images of 48 x 48


def _networks() -> list[Any]:
    if not _opened:
        from spinalcord.models.folder import write_random
        from spinalcord.models.network import Network

        with tempfile.TemporaryDirectory() as folder:
            paths = sorted(write_random(Path(folder), seed=1))
            names = ("segmentation", "ms_vs_nmosd")
            chosen = [next(p for p in paths if p.stem == name) for name in names]
            _opened.extend([Network.open(path, threads=1) for path in chosen])
    return _opened


_opened: list[Any] = []

# Name: what takes an input, and the seeds' name in this folder.
TARGETS: dict[str, tuple[Target, str]] = {
    "nifti": (_file("t2.nii"), "*.nii"),
    "nifti-gz": (_file("t2.nii.gz"), "*.nii.gz"),
    "nrrd": (_file("t2.nrrd"), "*.nrrd"),
    "metaimage": (_file("t2.mha"), "*.mha"),
    "dicom": (_file("t2.dcm"), "*.dcm"),
    "mask": (_mask, "mask*.nii"),
    "model": (_model, "*.safetensors"),
    "model-json": (_model_json, "*.json"),
    "table": (_table, "*.csv"),
    "spreadsheet": (_spreadsheet, "*.xlsx"),
    "verdicts": (_verdicts, "*.tsv"),
    "network": (_network, "network*.bin"),
}


def seeds(target: str) -> list[bytes]:
    """The committed inputs of a target."""
    return [path.read_bytes() for path in sorted((HERE / "python").glob(TARGETS[target][1]))]


def changed(data: bytes, rng: random.Random) -> bytes:
    """Change a few bytes: flipped, set to odd values, repeated, moved or cut."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        # Headers come first: half of all changes hit the first 400 bytes.
        end = min(len(out), 400) if rng.random() < 0.5 else len(out)
        at = rng.randrange(end + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(out):
            out[at] = rng.randrange(256)
        elif kind == 2:
            word = rng.choice(WORDS)
            out[at : at + len(word)] = word
        elif kind == 3:
            out[at:at] = rng.choice(WORDS)
        elif kind == 4:
            out[at:at] = out[at : at + rng.randrange(1, 40)]
        else:
            del out[at : at + (rng.randrange(1, 30) if rng.random() < 0.8 else len(out))]
    return bytes(out)


class TooMuchError(AssertionError):
    """More memory than `TIMES_HONEST` and `ALLOWANCE_NBYTES` let an input take."""


class TooLongError(BaseException):
    """More than `SECONDS`; no `except Exception` of what is tested catches it."""


def _alarm(signum: int, frame: Any) -> None:
    raise TooLongError


def resident_nbytes(field: str) -> int:
    """VmRSS, what this process holds, or VmHWM, the most that it held since it was reset."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def once(target: str, data: bytes, folder: Path) -> str:
    """Run one input; 'used' or 'refused', or the exception that is a fault."""
    from spinalcord.errors import SpinalcordError

    Path("/proc/self/clear_refs").write_text("5")  # sets VmHWM to VmRSS
    before, honest, outcome = resident_nbytes("VmRSS"), len(data), "used"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            honest = max(honest, TARGETS[target][0](data, folder))
    except SpinalcordError as error:
        if not str(error):
            raise AssertionError("an exception without a sentence") from error
        outcome = "refused"
    taken = resident_nbytes("VmHWM") - before
    if taken > TIMES_HONEST * honest + ALLOWANCE_NBYTES:
        raise TooMuchError(f"{taken} bytes of memory for {honest} that are honest")
    return outcome


def fuzz(target: str, runs: int, seed: int = 0, keep: Path | None = None) -> dict[str, int]:
    """Run the seeds of a target and `runs` inputs that are changed from them.

    Returns
    -------
    dict
        How many were used, refused, and faults; those are printed, and their inputs kept.
    """
    rng = random.Random(f"{target} {seed}")
    given = seeds(target)
    assert given, target
    if target == "network":
        _networks()  # before the clock runs
    counts = {"used": 0, "refused": 0, "faults": 0}
    before = signal.signal(signal.SIGALRM, _alarm), signal.signal(signal.SIGPROF, _alarm)
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=SCRATCH) as scratch:
        for i in range(-len(given), runs):
            data = given[i] if i < 0 else changed(rng.choice(given), rng)
            if keep is not None:  # where an input ends the process, this is it
                (keep / f"{target}.last").write_bytes(data)
            try:
                counts[in_time(target, data, Path(scratch))] += 1
            except (Exception, TooLongError):
                counts["faults"] += 1
                traceback.print_exc()
                if keep is not None:
                    (keep / f"{target}-{seed}-{i}.fault").write_bytes(data)
    for number, handler in zip((signal.SIGALRM, signal.SIGPROF), before, strict=True):
        signal.signal(number, handler)
    return counts


def in_time(target: str, data: bytes, folder: Path) -> str:
    """`once`, a second time where it takes too long or too much.

    What reads such a file loads its libraries with the first one.
    """
    for last in (False, True):
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of this process's own time
        signal.alarm(12 * SECONDS)  # a read that never ends takes none
        try:
            return once(target, data, folder)
        except (TooLongError, TooMuchError):
            if last:
                raise
        finally:
            signal.alarm(0)
            signal.setitimer(signal.ITIMER_PROF, 0)
    raise AssertionError("not reached")


def by_coverage(target: str, runs: int, keep: Path) -> None:
    import atheris

    with atheris.instrument_imports(include=["spinalcord"]):
        import spinalcord.models.model_file
        import spinalcord.models.network
        import spinalcord.qc.verdicts
        import spinalcord.scans.reading
        import spinalcord.tables.reading  # noqa: F401
    scratch = Path(tempfile.mkdtemp(prefix="fuzz-", dir=SCRATCH))
    found = keep / f"corpus-{target}"
    found.mkdir(exist_ok=True)
    for i, data in enumerate(seeds(target)):
        (found / f"seed{i}").write_bytes(data)
    # Its own clock would go on while other work stops this process; that of `in_time` does not.
    options = [f"-runs={runs}", "-timeout=0", "-handle_alrm=0", "-rss_limit_mb=3000"]
    signal.signal(signal.SIGALRM, _alarm)
    signal.signal(signal.SIGPROF, _alarm)
    if target == "network":
        _networks()
    atheris.Setup(
        [sys.argv[0], *options, "-max_len=4096", f"-artifact_prefix={keep}/{target}-", str(found)],
        lambda data: in_time(target, data, scratch) and None,
    )
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", choices=["all", *TARGETS])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--coverage", action="store_true", help="let atheris choose the inputs")
    options = parser.parse_args()
    keep = HERE.parents[1] / "build" / "fuzz"
    keep.mkdir(parents=True, exist_ok=True)
    if options.coverage:
        by_coverage(options.target, options.runs, keep)
    limit_memory()
    faults = 0
    for target in TARGETS if options.target == "all" else [options.target]:
        counts = fuzz(target, options.runs, options.seed, keep)
        print(f"{target}: {sum(counts.values())} inputs: {counts}", flush=True)
        faults += counts["faults"]
    return 1 if faults else 0


def limit_memory() -> None:
    """Let what asks for more than `SPARE_NBYTES` beyond this process's own fail."""
    import SimpleITK  # noqa: F401 - its libraries count as data

    pages = int(Path("/proc/self/statm").read_text().split()[5])
    limit = pages * resource.getpagesize() + SPARE_NBYTES
    resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))


if __name__ == "__main__":
    sys.exit(main())
