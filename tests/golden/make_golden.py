"""Store PyTorch's answers to the parity tests' cases, for where torch is not installed.

    python tests/golden/make_golden.py

Needs torch. Run it again whenever `tests/nets/cases.py` or the seeded weights change; a test
compares with PyTorch itself wherever that is installed, so stale files do not pass unseen.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

from nets import cases  # noqa: E402


def main() -> None:
    for kind in ("multiresunet", "densenet121"):
        stored = {}
        for case in cases.CASES:
            if case.kind != kind:
                continue
            answers = cases.ask_torch(case)
            cases.assert_tells(case, answers)
            for key, (values, shape) in answers.items():
                stored[f"{case.name}/{key}"] = cases.pick(values).astype(np.float32)
                stored[f"{case.name}/{key}/shape"] = np.array(shape, np.int64)
        np.savez_compressed(HERE / f"{kind}.npz", **stored)
    made_by = {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
        "picks": cases.PICKS,
    }
    (HERE / "made_by.json").write_text(json.dumps(made_by, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
