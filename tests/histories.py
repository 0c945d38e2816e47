"""Three epochs of a training, for the tests of what is drawn of it; needs torch."""

from __future__ import annotations

from spinalcord.training.curves_page import Progress

HISTORY = [
    {"epoch": k, "steps": 5 * k, "seconds": 1.5 * k, "learning_rate": 1e-4,
     "train_loss": 1 / k, "validation_loss": 2 / k, "auc": 0.5 + 0.1 * k}
    for k in (1, 2, 3)
]  # fmt: skip
RUNNING = Progress("segmentation", 3, 5, 15, 25, 300.0)
