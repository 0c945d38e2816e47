"""From a cohort to a paper: tables, figures and one page (the extra `report`).

>>> import spinalcord as sc
>>> cohort = sc.Cohort("out")  # doctest: +SKIP
>>> cohort.table2()  # doctest: +SKIP
>>> cohort.report("out")  # doctest: +SKIP
"""

from __future__ import annotations

from .cohort import TABLES, Cohort
from .table import Table

__all__ = ["TABLES", "Cohort", "Table"]
