"""Registry of the tables of a report: a function of the cohort for each name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

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
from .table import Table, warn_near_ends

if TYPE_CHECKING:
    from .cohort import Cohort

TableMaker: TypeAlias = "Callable[[Cohort], Table]"


def _of_cases(make: Callable[..., Table]) -> TableMaker:
    """Return the maker of a table that needs the evaluated cases only."""
    return lambda cohort: make(cohort.cases, **_options(cohort))


def _options(cohort: Cohort) -> dict[str, Any]:
    return {"level": cohort.level, "notes": cohort.notes}


_MAKERS: Mapping[str, TableMaker] = {
    "table1": _of_cases(demographics.table1),
    "characteristics": lambda c: characteristics.characteristics(
        c.cases, own=c.described, **_options(c)
    ),
    "table2": lambda c: performance.table2(c.cases, lost=c.lost, **_options(c)),
    "operating": _of_cases(operating.operating),
    "scans": lambda c: operating.scans(c.all_scans, **_options(c)),
    "difficult": _of_cases(performance.difficult),
    "readers": _of_cases(readers.readers),
    "reader_group": lambda c: reader_groups.reader_group(c.cases, margin=c.margin, **_options(c)),
    "paired": _of_cases(reader_groups.paired),
    "agreement": _of_cases(readers.agreement),
    "subgroups": lambda c: factors.subgroups(c.cases, own=c.factors, **_options(c)),
    "adjusted": lambda c: adjusting.adjusted_odds(c.cases, own=c.factors, **_options(c)),
    "interactions": lambda c: adjusting.interactions(c.cases, own=c.factors, **_options(c)),
    "with_t1c": _of_cases(contrast.t1c_groups),
    "four_class": _of_cases(diagnoses.four_class),
    "calibration": _of_cases(probabilities.calibration_in_full),
    "benefit": _of_cases(probabilities.benefit),
    "segmentation": lambda c: segmentations.segmentation(c.cases, c.lesions, **_options(c)),
    "volumes": _of_cases(volumes.volumes),
    "activations": lambda c: activations.activations(
        c.cases, explanation=(c.settings.get("settings") or {}).get("explanation"), **_options(c)
    ),
    "errors": _of_cases(diagnoses.errors),
    "planning": _of_cases(planned.planning),
}

TABLES = tuple(_MAKERS)
"""Names of the tables that a cohort may have, in the order of a report."""


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
    if name not in _MAKERS:
        raise InputError(f"no table {name!r}; expected one of {', '.join(TABLES)}")
    return warn_near_ends(_MAKERS[name](cohort))
