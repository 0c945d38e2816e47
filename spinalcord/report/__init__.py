"""From a cohort to a paper: tables, figures and one page (the extra `report`).

>>> import spinalcord as sc
>>> cohort = sc.Cohort("out")  # doctest: +SKIP
>>> cohort.table2()  # doctest: +SKIP
>>> cohort.report("out")  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import figures as figures
    from .catalogue import TABLES
    from .cohort import Cohort
    from .table import Table

# Imported when first used, so that the command line's help is fast.
_HOME = {"TABLES": "catalogue", "Cohort": "cohort", "Table": "table"}

__all__ = ["TABLES", "Cohort", "Table"]


def __getattr__(name: str) -> Any:
    if name == "figures":
        return importlib.import_module(".figures", __name__)
    if name not in _HOME:
        raise AttributeError(f"module 'spinalcord.report' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "figures"})
