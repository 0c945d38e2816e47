"""Run a step: ``python benchmarks/models STEP ...``; without arguments, list the steps."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

STEPS = {
    "make_data": "make phantoms and insertions, and the tables that list them",
    "make_lesions": "make the classifiers' cases: lesions drawn by several rules",
    "lumbar_cases": "make training cases from lumbar scans",
    "repeat_healthy": "write training tables that repeat the healthy scans",
    "outline_cases": "outline training cases with the segmentation model",
    "choose_limits": "choose what counts as a lesion on validation scans",
    "measure_cohorts": "measure a set of models through run_cohort and Cohort",
    "measure_cases": "measure several sets of models case by case",
    "choose_thresholds": "choose the classifiers' thresholds on validation cases",
    "measure_min_peak": "measure the effect of min_peak",
    "plot_curves": "plot the learning curves",
    "card_tables": "write the tables of the model card",
    "version_table": "write the model card's table of versions",
    "publish": "write the final settings, and put the models into the package",
}
"""Steps and their descriptions, in the order of execution."""


def main() -> None:
    """Run the step that the first argument names."""
    step = sys.argv[1] if len(sys.argv) > 1 else ""
    if step not in STEPS:
        print("usage: python benchmarks/models STEP ...\n", file=sys.stderr)
        for name, what in STEPS.items():
            print(f"  {name:17} {what}", file=sys.stderr)
        raise SystemExit(f"unknown step: {step}" if step else 2)
    folder = Path(__file__).resolve().parent
    sys.path[0] = str(folder.parent)  # the package's parent, so that modules import each other
    sys.argv = [f"{folder.name} {step}", *sys.argv[2:]]
    importlib.import_module(f"{folder.name}.{step}").main()


if __name__ == "__main__":
    main()
