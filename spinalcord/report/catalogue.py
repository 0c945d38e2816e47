"""Every table of a report by its name, and how each is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from . import (
    activations,
    adjusting,
    characteristics,
    contrast,
    demographics,
    diagnoses,
    factors,
    operating,
    performance,
    planned,
    probabilities,
    reader_groups,
    readers,
    segmentations,
    volumes,
)
from .table import Table

if TYPE_CHECKING:
    from .cohort import Cohort

TABLES = (
    "table1", "characteristics", "table2", "operating", "scans", "difficult", "readers",
    "reader_group", "paired", "agreement", "subgroups", "adjusted", "interactions", "with_t1c",
    "four_class", "calibration", "benefit", "segmentation", "volumes", "activations", "errors",
    "planning",
)  # fmt: skip
"""Names of the tables that a cohort may have, in the order of a report."""

_SIMPLE: Mapping[str, Callable[..., Table]] = {
    "table1": demographics.table1,
    "operating": operating.operating,
    "readers": readers.readers,
    "paired": reader_groups.paired,
    "agreement": readers.agreement,
    "difficult": performance.difficult,
    "with_t1c": contrast.t1c_groups,
    "four_class": diagnoses.four_class,
    "calibration": probabilities.calibration_in_full,
    "benefit": probabilities.benefit,
    "volumes": volumes.volumes,
    "errors": diagnoses.errors,
    "planning": planned.planning,
}


def cohort_table(cohort: Cohort, name: str) -> Table:
    """Make one table of a cohort.

    Parameters
    ----------
    cohort : Cohort
    name : str
        One of `TABLES`.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        Another name; the cohort lacks what the table needs.
    """
    options: dict[str, Any] = {"level": cohort.level, "notes": cohort.notes}
    special: dict[str, Callable[[], Table]] = {
        "table2": lambda: performance.table2(cohort.cases, lost=cohort.lost, **options),
        "segmentation": lambda: segmentations.segmentation(cohort.cases, cohort.lesions, **options),
        "activations": lambda: activations.activations(
            cohort.cases,
            explanation=(cohort.settings.get("settings") or {}).get("explanation"),
            **options,
        ),
        "characteristics": lambda: characteristics.characteristics(
            cohort.cases, own=cohort.described, **options
        ),
        "scans": lambda: operating.scans(cohort.all_scans, **options),
        "reader_group": lambda: reader_groups.reader_group(
            cohort.cases, margin=cohort.margin, **options
        ),
        "subgroups": lambda: factors.subgroups(cohort.cases, own=cohort.factors, **options),
        "adjusted": lambda: adjusting.adjusted_odds(cohort.cases, own=cohort.factors, **options),
        "interactions": lambda: adjusting.interactions(cohort.cases, own=cohort.factors, **options),
    }
    if name == "with_t1c" and cohort.t1c_run is not None:
        return contrast.t1c_paired(cohort.cases, cohort.t1c_run.cases, **options)
    if name in special:
        return special[name]()
    if name not in _SIMPLE:
        raise InputError(f"no table {name!r}; expected one of {', '.join(TABLES)}")
    return _SIMPLE[name](cohort.cases, **options)
