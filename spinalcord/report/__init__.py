"""From a cohort to a paper: tables, figures and one page (the extra `report`).

>>> from spinalcord.report import TABLES, Cohort
>>> cohort = Cohort(
...     {
...         "case_id": [f"sub-{i:02}" for i in range(40)],
...         "reference_diagnosis": ["MS", "NMOSD"] * 20,
...         "ms_vs_nmosd_probability": [0.2, 0.7, 0.4, 0.9, 0.6, 0.5, 0.1, 0.8] * 5,
...     }
... )
>>> cohort.table("table2").title
'Table 2. Classification performance'

`TABLES` names all tables:

>>> "table2" in TABLES
True
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
