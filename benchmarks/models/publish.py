"""Store the final settings in trained models and copy them into the package.

    python benchmarks/models publish WORK/models [--figures RESULT.json] [--to DIR]

Weights and limits are not changed.  Writes name, version, notice and, of the figures of
`measure_cohorts`, those that concern the model; then the checksums.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from spinalcord.models.checksums import SCALES
from spinalcord.models.folder import ROLES, WEIGHTS_DIR, Model, find_models
from spinalcord.models.int8 import has_ranges, write_ranges
from spinalcord.models.model_file import read_model, write_model
from spinalcord.models.network import PRECISIONS
from spinalcord.models.release import write_sums
from spinalcord.tasks import TASKS
from spinalcord.training.export import stored_tensors

from .measure_cohorts import COHORTS
from .tables import read_figures
from .version_table import describe
from .weights import sum_of_tensors

VERSIONS: dict[str, str] = {
    "segmentation": "3.1", "tumor_vs_demyelination": "3.4", "astrocytoma_vs_ependymoma": "3.5",
    "ms_vs_nmosd": "3.4",
}  # fmt: skip
"""Of those that are not at version 2."""

NOTICE = (
    "trained on synthetic lesions (phantoms, and lesions drawn into scans of people without any); "
    "says nothing about patients, not for clinical use"
)


def main() -> None:
    """Write the four files and their checksums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=Path)
    parser.add_argument("--figures", type=Path)
    parser.add_argument("--to", type=Path, default=WEIGHTS_DIR)
    parser.add_argument("--roles", nargs="+", choices=ROLES, default=ROLES)
    options = parser.parse_args()
    figures = read_figures(options.figures) if options.figures else {}
    options.to.mkdir(parents=True, exist_ok=True)
    for role in options.roles:
        model = find_models(options.models).models[role]
        metadata = dict(model.metadata)
        training = {**metadata.get("training", {}), "test": own_figures(figures, model)}
        metadata |= {
            "name": f"phantom-{role.replace('_', '-')}", "notice": NOTICE,
            "version": VERSIONS.get(role, "2"), "training": training,
        }  # fmt: skip
        path = options.to / f"{role}.safetensors"
        ranges = kept_ranges(path, model.path)
        write_model(path, stored_tensors(model.path), metadata)
        if ranges:
            write_ranges(read_model(path), *ranges)
        print(path, read_model(path).sha256)
    print(write_sums(options.to))


def kept_ranges(
    published: Path, new: Path
) -> tuple[dict[str, tuple[float, float]], dict[str, Any]] | None:
    """Return the scales for int8 of the published file, if the new one has the same weights.

    They are stored under the file's checksum, which other settings change.
    """
    if not published.exists() or sum_of_tensors(published) != sum_of_tensors(new):
        return None
    if not has_ranges(read_model(published)):
        return None
    stored = json.loads(published.with_name(SCALES).read_text("utf-8"))[published.name]
    return stored["ranges"], {"calibration": stored["calibration"]}


def own_figures(figures: dict[str, Any], model: Model) -> dict[str, Any]:
    """Pick the figures of one model's own step, in both precisions.

    Those of `measure_cases` are the first that were measured with its weights, whatever version the
    set of models was called by.
    """
    found: dict[str, Any] = {}
    role, weights = model.role, sum_of_tensors(model.path)
    measured = (f for f in figures.values() if isinstance(f, dict) and "cases" in f)
    own = next((f for f in measured if f["weights"][role] == weights), None)
    if own is not None:
        told = {title: reached
                for title, _, reached in describe(own["cases"], own.get("thresholds"))
                if role not in TASKS or role in title}  # fmt: skip
        return {figures["precision"]: told}
    for precision, whole in figures.items():
        if precision not in PRECISIONS:
            continue
        found[precision] = {
            cohort: {
                masks: {k: v for k, v in table.items() if k.startswith(role)}
                for masks, table in whole[cohort]["tasks"].items()
            }
            if role in TASKS
            else whole[cohort]["segmentation"]
            for cohort in COHORTS
            if cohort in whole
        }
        if role not in TASKS:
            found[precision] |= {
                k: whole[k] for k in ("volunteers", "healthy", "inserted") if k in whole
            }
    return found
