"""Each call of the system on results' files fails in turn, in a process with io_faults.c preloaded.

python io_faults.py LIBRARY SCENARIO FOLDER [STRIDE [READS]]

Prints counts as JSON, and what went wrong.  Every STRIDE-th call of a kind fails, of reads every
READS-th; with a STRIDE below 0, that many of each kind, the last among them.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

OPEN, WRITE, SHORT_WRITE, FSYNC, RENAME, MKDIR, READ, SHORT_READ = range(8)
FAULTS = [
    (OPEN, errno.ENOSPC), (OPEN, errno.EACCES), (WRITE, errno.ENOSPC), (WRITE, errno.EIO),
    (WRITE, errno.EINTR), (SHORT_WRITE, 0), (FSYNC, errno.EIO), (RENAME, errno.EIO),
    (RENAME, errno.ENOSPC), (MKDIR, errno.ENOSPC), (READ, errno.EIO), (READ, errno.EINTR),
    (SHORT_READ, 0),
]  # fmt: skip
HARMLESS = {(WRITE, errno.EINTR), (READ, errno.EINTR), (SHORT_WRITE, 0), (SHORT_READ, 0)}


def write_bids(folder: Path) -> None:
    """Three patients with lesions."""
    from training.conftest import draw_case, save

    rows = ["participant_id\tdiagnosis\tsplit"]
    for k, split in enumerate(("train", "train", "validation"), 1):
        scan, mask, cord = draw_case(k)
        save(scan, folder / f"sub-{k}" / "anat" / f"sub-{k}_T2w.nii.gz")
        truth = folder / "derivatives" / "truth" / f"sub-{k}" / "anat"
        save(mask, truth / f"sub-{k}_label-lesion_mask.nii.gz")
        save(cord, truth / f"sub-{k}_label-cord_mask.nii.gz")
        rows.append(f"sub-{k}\tMS\t{split}")
    (folder / "participants.tsv").write_text("\n".join(rows) + "\n")
    about = {"Name": "tiny", "BIDSVersion": "1.9.0", "Notice": "synthetic noise."}
    (folder / "dataset_description.json").write_text(json.dumps(about))


def scenarios(folder: Path) -> dict[str, Callable[[Path], Any]]:
    """What is done, each into a new folder."""
    import numpy as np
    from cohorts import save_scan, tiny_scans

    import spinalcord as sc
    from spinalcord.models.folder import write_random

    models, scan = folder / "models", folder / "scan" / "t2.nii"
    if not models.exists():
        write_random(models, 0)
        save_scan(scan)
        tiny_scans(folder / "scans", 2)
        write_bids(folder / "bids")
    found = sc.segment(scan, models=models)
    rng = np.random.default_rng(0)
    cases = {
        "case_id": [f"c{i}" for i in range(40)],
        "diagnosis": ["MS", "NMOSD"] * 20,
        "age": list(rng.integers(20, 70, 40)),
        "p_ms_vs_nmosd": list(np.round(rng.random(40), 3)),
    }

    def report(out: Path) -> None:
        sc.Cohort(cases).report(out)

    def train(out: Path) -> None:
        from spinalcord.training.settings import Settings
        from spinalcord.training.trainer import train_network

        tiny = Settings(epochs=1, steps=1, batch=2, patch=(32, 32), device="cpu", precision="f32")
        train_network(
            "segmentation", folder / "bids", out / "seg.safetensors", settings=tiny,
            cache=out / "cache", resume=(out / "seg.training" / "checkpoint.pt").exists(),
        )  # fmt: skip

    return {
        "train": train,
        "save": lambda out: found.save(out, probability=True),
        "run": lambda out: sc.run_cohort(folder / "scans", out, models=models),
        "report": report,
    }


def half_written(out: Path) -> list[str]:
    """Temporary files that were left, and files that are not whole."""
    import nibabel

    wrong = []
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        try:
            if path.name.endswith(".part"):
                wrong.append(f"{path.name} was left behind")
            elif path.name.endswith(".nii.gz"):
                nibabel.load(path).get_fdata()
            elif path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.suffix == ".html" and "</html>" not in path.read_text(encoding="utf-8"):
                wrong.append(f"{path.name} is not whole")
        except Exception as error:
            wrong.append(f"{path.name}: {error}")
    return wrong


def outcome(out: Path) -> Any:
    """What must not depend on faults: of a training the weights, else every result."""
    from cohorts import results

    model = out / "seg.safetensors"
    if model.exists():
        data = model.read_bytes()
        return data[8 + int.from_bytes(data[:8], "little") :]
    return results(out)


def judge(out: Path, error: BaseException | None, harmless: bool, want: Any) -> list[str]:
    """What is wrong after one fault."""
    from spinalcord.errors import SpinalcordError

    wrong = half_written(out)
    if error is not None and not isinstance(error, SpinalcordError):
        wrong.append(f"{type(error).__name__}: {error}")
    if error is not None and str(out.parent) not in str(error):
        wrong.append(f"no file is named: {error}")
    if harmless and error is not None:
        wrong.append(f"EINTR or half of a call is no reason to fail: {error}")
    if harmless and error is None and outcome(out) != want:
        wrong.append("other results")
    return wrong


def main() -> None:
    library, name, folder = ctypes.CDLL(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    stride = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    of_reads = int(sys.argv[5]) if len(sys.argv) > 5 else stride
    warnings.simplefilter("ignore")
    act = scenarios(folder)[name]
    under = Path(os.environ["IO_FAULTS_UNDER"])
    out = under / "out"
    counts = {"faults": 0, "refused": 0, "again": 0}
    problems: list[str] = []
    library.io_faults_arm(-1, 0, 0)
    act(out)
    calls = [library.io_faults_seen(kind) for kind in range(8)]
    want = outcome(out)
    for kind, error_number in FAULTS:
        every = of_reads if kind in (READ, SHORT_READ) else stride
        step = every if every > 0 else max(1, calls[kind] // -every)
        for n in range(0 if every > 0 else step - 1, calls[kind], step):
            shutil.rmtree(out)
            raised: BaseException | None = None
            library.io_faults_arm(kind, n, error_number)
            try:
                act(out)
            except BaseException as error:
                raised = error
            library.io_faults_arm(-1, 0, 0)
            counts["faults"] += 1
            counts["refused"] += raised is not None
            out.mkdir(exist_ok=True)
            wrong = judge(out, raised, (kind, error_number) in HARMLESS, want)
            act(out)  # the next call, in the folder that the fault left
            counts["again"] += outcome(out) == want
            if outcome(out) != want:
                wrong.append("the next call has other results")
            problems += [f"kind {kind}, errno {error_number}, call {n}: {w}" for w in wrong]
            print(kind, error_number, n, *wrong, file=sys.stderr, flush=True)
    print(json.dumps({**counts, "calls": calls, "problems": problems}))


if __name__ == "__main__":
    main()
