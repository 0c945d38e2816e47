"""Read tables: one reader for cohorts, participants, verdicts, exclusions and reports.

>>> from spinalcord.tables import read_table
>>> table = read_table({"case_id": ["a", "b"], "Age": [41.0, None]}, known=("age",))
>>> table.columns, table.column("age")
(('case_id', 'age'), ('41', ''))
"""

from __future__ import annotations

from .data_table import DataTable
from .reading import parse_table, read_table
from .words import Vocabulary

__all__ = ["DataTable", "Vocabulary", "parse_table", "read_table"]
