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
from .table import Table

if TYPE_CHECKING:
    from .cohort import Cohort

TableMaker: TypeAlias = "Callable[[Cohort], Table]"


def _of_cases(make: Callable[..., Table]) -> TableMaker:
    """Return the maker of a table that needs the evaluated cases only."""
    return lambda cohort: make(cohort.cases, **_options(cohort))


def _options(cohort: Cohort) -> dict[str, Any]:
    return {"level": cohort.level, "notes": cohort.notes}


def _characteristics(c: Cohort) -> Table:
    return characteristics.characteristics(c.cases, own=c.described, **_options(c))


def _table2(c: Cohort) -> Table:
    return performance.table2(c.cases, lost=c.lost, **_options(c))


def _scans(c: Cohort) -> Table:
    return operating.scans(c.all_scans, **_options(c))


def _reader_group(c: Cohort) -> Table:
    return reader_groups.reader_group(c.cases, margin=c.margin, **_options(c))


def _subgroups(c: Cohort) -> Table:
    return factors.subgroups(c.cases, own=c.factors, **_options(c))


def _adjusted(c: Cohort) -> Table:
    return adjusting.adjusted_odds(c.cases, own=c.factors, **_options(c))


def _interactions(c: Cohort) -> Table:
    return adjusting.interactions(c.cases, own=c.factors, **_options(c))


def _with_t1c(c: Cohort) -> Table:
    if c.t1c_run is not None:
        return contrast.t1c_paired(c.cases, c.t1c_run.cases, **_options(c))
    return contrast.t1c_groups(c.cases, **_options(c))


def _segmentation(c: Cohort) -> Table:
    return segmentations.segmentation(c.cases, c.lesions, **_options(c))


def _activations(c: Cohort) -> Table:
    explanation = (c.settings.get("settings") or {}).get("explanation")
    return activations.activations(c.cases, explanation=explanation, **_options(c))


_MAKERS: Mapping[str, TableMaker] = {
    "table1": _of_cases(demographics.table1),
    "characteristics": _characteristics,
    "table2": _table2,
    "operating": _of_cases(operating.operating),
    "scans": _scans,
    "difficult": _of_cases(performance.difficult),
    "readers": _of_cases(readers.readers),
    "reader_group": _reader_group,
    "paired": _of_cases(reader_groups.paired),
    "agreement": _of_cases(readers.agreement),
    "subgroups": _subgroups,
    "adjusted": _adjusted,
    "interactions": _interactions,
    "with_t1c": _with_t1c,
    "four_class": _of_cases(diagnoses.four_class),
    "calibration": _of_cases(probabilities.calibration_in_full),
    "benefit": _of_cases(probabilities.benefit),
    "segmentation": _segmentation,
    "volumes": _of_cases(volumes.volumes),
    "activations": _activations,
    "errors": _of_cases(diagnoses.errors),
    "planning": _of_cases(planned.planning),
}

TABLES = tuple(_MAKERS)
"""Names of the tables that a cohort may have, in the order of a report."""


def cohort_table(cohort: Cohort, name: str) -> Table:
    """Return one table of a cohort.

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
    return _MAKERS[name](cohort)
