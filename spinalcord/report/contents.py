"""Contents of a report: text, tables, figures, and the reasons for omitted ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import InputError
from ..extras import MissingExtraError
from ..stats.estimate import FEW, decimal
from ..tasks import TASKS
from .catalogue import TABLES
from .claim import claim_table
from .demographics import wide
from .flow import evaluated_counts
from .gallery import PLATES, Plate
from .methods_text import methods_paragraph
from .stard import stard_table
from .table import Table, task_words
from .trace import plate_n, trace_table

if TYPE_CHECKING:
    from .cases import Cases
    from .cohort import Cohort

RESEARCH = "Research software: not for clinical use."

# Title, tables and figures of each section; what cannot be made is named at the end.
_PLAN: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("Patients", ("table1", "characteristics"), ("flow",)),
    ("Classification", ("table2", "four_class", "operating", "scans"), ("roc", "confusion")),
    ("Readers", ("readers", "reader_group", "paired", "agreement"), ("agreement",)),
    ("Difficult cases", ("difficult",), ()),
    ("Subgroups", ("subgroups", "adjusted", "interactions"), ("subgroups",)),
    ("Contrast-enhanced T1w", ("with_t1c",), ()),
    (
        "Probabilities",
        ("calibration", "benefit"),
        ("reliability", "calibration_curve", "decision_curve"),
    ),
    ("Segmentation", ("segmentation", "volumes"), ("dice", "recall")),
    ("Attribution", ("activations",), ()),
    ("Errors and failures", ("errors", "failures"), ()),
    ("A next study", ("planning",), ()),
    ("Settings", ("models", "settings", "trace"), ()),
    ("Checklists", ("claim", "stard"), ()),
)


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Parameters
    ----------
    title : str
    tables : tuple of Table
        As they are read.
    plates : tuple of (Plate, bytes)
        Figures with their SVG.
    """

    title: str
    tables: tuple[Table, ...]
    plates: tuple[tuple[Plate, bytes], ...]


@dataclass(frozen=True)
class Contents:
    """All of a report.

    Parameters
    ----------
    title : str
    notices : tuple of str
        Notices at the top: the nature of the models, and the limits of use.
    summary : tuple of str
        The main results, a sentence each.
    sections : tuple of Section
    tables : mapping of str to Table
        All, in full, by name.
    missing : mapping of str to str
        Contents that could not be made, with the reason.
    methods : str
        The paragraph "Statistical methods".
    references : tuple of str
        That it cites, in the order of their numbers.
    counts : mapping of str to str
        By figure, of how many patients it is.
    facts : dict
        Version, split, level, flow, settings: for JSON.
    """

    title: str
    notices: tuple[str, ...]
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    tables: Mapping[str, Table]
    missing: Mapping[str, str]
    methods: str = ""
    references: tuple[str, ...] = ()
    counts: Mapping[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def gather(cohort: Cohort, *, title: str = "") -> Contents:
    """Compute every table and figure that the cohort allows.

    Parameters
    ----------
    cohort : Cohort
    title : str, optional

    Returns
    -------
    Contents

    Raises
    ------
    ImportError
        Without matplotlib, or SciPy.
    InputError
        A column with invalid values.
    """
    missing: dict[str, str] = {}
    tables = _tables(cohort, missing)
    methods, references = methods_paragraph(tables, level=cohort.level, version=__version__)
    tables["trace"] = trace_table(cohort, tables, __version__)
    tables["claim"] = claim_table(cohort, tables, __version__)
    tables["stard"] = stard_table(cohort, tables, __version__)
    plates: dict[str, tuple[Plate, bytes]] = {}
    for plate in PLATES:
        try:
            plates[plate.name] = (plate, plate.to_svg(cohort))
        except MissingExtraError:
            raise
        except InputError as error:
            missing[f"figure {plate.name}"] = str(error)
    sections = []
    for name, wanted, drawn in _PLAN:
        shown = tuple(_shown(tables[table]) for table in wanted if table in tables)
        pictures = tuple(plates[plate] for plate in drawn if plate in plates)
        if shown or pictures:
            sections.append(Section(name, shown, pictures))
    return Contents(
        title or "Spinal cord lesions: segmentation and classification",
        _notices(cohort),
        _summary(cohort, tables),
        tuple(sections),
        tables,
        missing,
        methods,
        references,
        {name: plate_n(cohort, name) for name in plates},
        _facts(cohort),
    )


def _tables(cohort: Cohort, missing: dict[str, str]) -> dict[str, Table]:
    tables = {}
    for name in TABLES:
        try:
            tables[name] = cohort.table(name)
        except MissingExtraError:
            raise
        except InputError as error:
            missing[f"table {name}"] = str(error)
    failures = ("case_id", "reference_diagnosis", "stage", "error", "reason")
    if cohort.failures.n:
        tables["failures"] = _listed(
            "failures", "Cases that failed", cohort.failures, failures, cohort.notes[:1]
        )
    if cohort.settings.get("models"):
        tables["models"] = _models(cohort.settings["models"])
    rows = [{"setting": "spinalcord (this report)", "value": __version__}]
    for part in ("settings", "versions", "counts"):
        values = cohort.settings.get(part)
        if isinstance(values, dict):
            rows += [{"setting": f"{part}: {k}", "value": _said(v)} for k, v in values.items()]
    for name in TASKS:
        used = sorted({*cohort.cases.words(f"{name}_threshold")} - {""})
        if used:
            value = ", ".join(used[:5]) + (" ..." if len(used) > 5 else "")
            rows.append({"setting": f"threshold of {name}", "value": value})
    columns = ("setting", "value")
    tables["settings"] = Table("settings", "Settings of the run", columns, tuple(rows), columns)
    return tables


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name} {_said(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "none"
    return "not set" if value is None else str(value)


def _models(models: Any) -> Table:
    columns = ("role", "name", "version", "network", "sha256", "notice")
    rows = tuple(
        {column: str(model.get(column) or "") for column in columns}
        for model in models
        if isinstance(model, dict)
    )
    return Table("models", "Models", columns, rows, columns)


def _listed(
    name: str, title: str, cases: Cases, columns: tuple[str, ...], notes: tuple[str, ...]
) -> Table:
    words = [cases.words(column) for column in columns]
    rows = tuple(dict(zip(columns, row, strict=True)) for row in zip(*words, strict=True))
    return Table(name, title, columns, rows, columns, notes)


def _shown(table: Table) -> Table:
    return wide(table) if table.name == "table1" else table


def _notices(cohort: Cohort) -> tuple[str, ...]:
    models = [f"Models: {cohort.notice}"] if cohort.notice else []
    evaluated = cohort.notes[0]
    run = [f"when it was run: {one}" for one in cohort.settings.get("notes") or ()]
    said = [f"{one[0].upper()}{one[1:]}." for one in (*cohort.doubts, *run)]
    return (*models, evaluated[0].upper() + evaluated[1:] + ".", *said, RESEARCH)


def _summary(cohort: Cohort, tables: Mapping[str, Table]) -> tuple[str, ...]:
    lines = []
    if "table2" in tables:
        for task in TASKS:
            own = {
                row["figure"]: row["sentence"]
                for row in tables["table2"].rows
                if row["task"] == task and row["cases"] == "all"
            }
            figures = ", ".join(
                f"{name} {own[name]}" for name in ("accuracy", "sensitivity", "specificity", "AUC")
            )
            words, few = task_words(task), f"; fewer than {FEW} patients"
            if few in figures:  # said once a line is enough
                for said in (f"{few} in the smallest class", few):
                    figures = figures.replace(said, "")
                figures += f"; some of fewer than {FEW} patients"
            lines.append(f"{words[0].upper()}{words[1:]}: {figures}.")
    if "four_class" in tables:
        first = tables["four_class"].rows[0]
        lines.append(f"All four diagnoses: accuracy {first['sentence']}.")
    if "segmentation" in tables:
        means = [
            f"{row['group']} {decimal(row['estimate'], 2)}"
            for row in tables["segmentation"].rows
            if row["figure"] == "Dice score" and row["group"] != "all" and row["n"]
        ]
        if means:
            lines.append(f"Mean Dice score: {', '.join(means)}.")
    return tuple(lines)


def _facts(cohort: Cohort) -> dict[str, Any]:
    return {
        "version": __version__,
        "split": cohort.split,
        "level": cohort.level,
        "patients": cohort.cases.n,
        "notice": cohort.notice,
        "doubts": list(cohort.doubts),
        "evaluated": evaluated_counts(cohort),
        "flow": [
            {"label": step.label, "n": step.n, "left": dict(step.left)} for step in cohort.flow
        ],
        "settings": cohort.settings,
    }
