"""The STARD 2015 checklist for diagnostic accuracy, completed as far as possible.

Items in our own words after Bossuyt et al., BMJ 351:h5527 (2015).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..stats.estimate import percent_text
from ..tasks import TASKS
from .claim import OPEN, TESTS
from .table import Table, task_words

if TYPE_CHECKING:
    from .cohort import Cohort

ITEMS = (
    ("1", "Title or abstract", "identified as a study of diagnostic accuracy"),
    ("2", "Abstract", "structured summary"),
    ("3", "Introduction", "background, intended use and role of the index test"),
    ("4", "Introduction", "objectives and hypotheses"),
    ("5", "Study design", "data collected before or after the tests were done"),
    ("6", "Participants", "eligibility criteria"),
    ("7", "Participants", "on what basis they were identified"),
    ("8", "Participants", "where and when"),
    ("9", "Participants", "consecutive, random or convenience series"),
    ("10a", "Test methods", "index test, in enough detail to repeat it"),
    ("10b", "Test methods", "reference standard, likewise"),
    ("11", "Test methods", "why this reference standard"),
    ("12a", "Test methods", "thresholds of the index test, and whether fixed beforehand"),
    ("12b", "Test methods", "thresholds of the reference standard"),
    ("13a", "Test methods", "what those who did the index test knew"),
    ("13b", "Test methods", "what those who judged the reference standard knew"),
    ("14", "Analysis", "methods for measures of accuracy"),
    ("15", "Analysis", "how indeterminate results were handled"),
    ("16", "Analysis", "how missing data were handled"),
    ("17", "Analysis", "variability of accuracy, planned or exploratory"),
    ("18", "Analysis", "intended sample size and how it was determined"),
    ("19", "Participants", "flow of participants"),
    ("20", "Participants", "baseline characteristics"),
    ("21a", "Participants", "severity of disease in those with the condition"),
    ("21b", "Participants", "other diagnoses in those without"),
    ("22", "Participants", "time and treatment between index test and reference"),
    ("23", "Test results", "cross tabulation of index test and reference"),
    ("24", "Test results", "estimates of accuracy and their precision"),
    ("25", "Test results", "adverse events"),
    ("26", "Discussion", "limitations"),
    ("27", "Discussion", "implications for practice"),
    ("28", "Other", "registration number"),
    ("29", "Other", "where the full protocol can be read"),
    ("30", "Other", "funding and the role of funders"),
)


def stard_table(cohort: Cohort, tables: Mapping[str, Table], version: str) -> Table:
    """Fill in the checklist.

    Parameters
    ----------
    cohort : Cohort
    tables : mapping of str to Table
        Those of the report, by name.
    version : str
        Version of this package.

    Returns
    -------
    Table
        An item that the cohort cannot answer says "for the authors".
    """
    known = _known(cohort, tables, version)
    rows = tuple(
        {"item": n, "section": section, "asks for": asked, "answer": known.get(n, OPEN)}
        for n, section, asked in ITEMS
    )
    filled = sum(row["answer"] != OPEN for row in rows)
    columns = ("item", "section", "asks for", "answer")
    return Table(
        "stard",
        "STARD 2015 checklist",
        columns,
        rows,
        columns,
        (
            f"{filled} of {len(rows)} items are filled from the cohort, as a draft to check; the "
            "others only the authors can answer",
            "items in short, after Bossuyt et al., BMJ 2015;351:h5527",
        ),
    )


def _known(cohort: Cohort, tables: Mapping[str, Table], version: str) -> dict[str, str]:
    models = [m for m in cohort.settings.get("models") or () if isinstance(m, dict)]
    names = "; ".join(f"{m.get('role')}: {m.get('name')} {m.get('version')}" for m in models)
    found = {
        "10a": f"spinalcord {version}" + (f"; {names}; see Settings" if names else ""),
        "14": "; ".join(
            [
                "Wilson (exact near 0 and n), DeLong",
                *(said for name, said in TESTS.items() if name in tables),
                f"intervals of {percent_text(cohort.level)} %; see Statistical methods",
            ]
        ),
        "15": "there are none: each answer is one of two words, or absent",
        "16": "patients without an answer are excluded from a figure and counted as wrong in a row "
        "of table 2; n is given with every figure",
        "18": f"not stated; {cohort.cases.n} patients were evaluated"
        + ("; see the table of patients for a next study" if "planning" in tables else ""),
        "19": "; ".join(f"{step.label}: {step.n}" for step in cohort.flow),
    }
    cuts = {task: sorted({*cohort.cases.words(f"{task}_threshold")} - {""}) for task in TASKS}
    if any(cuts.values()):
        found["12a"] = (
            "; ".join(
                f"{task_words(task)}: {', '.join(values[:5])}"
                for task, values in cuts.items()
                if values
            )
            + "; where each came from: see Traceability"
        )
    places = {
        "17": (
            "subgroups",
            "subgroups with interactions, exploratory"
            + ("; adjusted for each other below" if "adjusted" in tables else ""),
        ),
        "20": ("table1", "table 1"),
        "21a": ("characteristics", "lesions and their volume by diagnosis"),
        "21b": ("table1", "table 1, by diagnosis"),
        "23": ("four_class", "confusion matrices"),
        "24": (
            "table2",
            "table 2" + (" and the operating points" if "operating" in tables else ""),
        ),
    }
    return found | {n: f"see {words}" for n, (name, words) in places.items() if name in tables}
