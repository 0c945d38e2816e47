"""The CLAIM 2024 checklist for papers on AI in imaging, completed as far as possible.

Items in our own words after Tejani et al., Radiol Artif Intell 6:e240300 (2024).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..analysis.attribution import METHODS
from ..errors import InputError
from ..extras import MissingExtraError
from ..stats.estimate import decimal, percent_text
from ..tasks import TASKS
from .table import Table

if TYPE_CHECKING:
    from .cohort import Cohort

OPEN = "for the authors"

ITEMS = (
    (1, "Title", "identified as a study of AI, with the kind of technology"),
    (2, "Abstract", "structured summary"),
    (3, "Introduction", "background, intended use and role of the AI"),
    (4, "Introduction", "aims, objectives and hypotheses"),
    (5, "Study design", "prospective or retrospective"),
    (6, "Study design", "goal of the study"),
    (7, "Data", "sources of data"),
    (8, "Data", "inclusion and exclusion criteria"),
    (9, "Data", "preprocessing"),
    (10, "Data", "selection of subsets of the data"),
    (11, "Data", "de-identification"),
    (12, "Data", "how missing data were handled"),
    (13, "Data", "image acquisition protocol"),
    (14, "Reference standard", "how it was obtained"),
    (15, "Reference standard", "why it was chosen"),
    (16, "Reference standard", "who annotated"),
    (17, "Reference standard", "annotation of the test set"),
    (18, "Reference standard", "variability within and between raters"),
    (19, "Partitions", "how data were assigned to them"),
    (20, "Partitions", "level at which they are disjoint"),
    (21, "Testing data", "intended sample size"),
    (22, "Model", "description"),
    (23, "Model", "software"),
    (24, "Model", "initialisation of parameters"),
    (25, "Training", "details"),
    (26, "Training", "how the final model was selected"),
    (27, "Training", "ensembling"),
    (28, "Evaluation", "metrics"),
    (29, "Evaluation", "measures of significance and uncertainty"),
    (30, "Evaluation", "robustness or sensitivity analysis"),
    (31, "Evaluation", "explainability"),
    (32, "Evaluation", "on internal data"),
    (33, "Evaluation", "on external data"),
    (34, "Evaluation", "trial registration"),
    (35, "Results", "numbers included and excluded"),
    (36, "Results", "demographic and clinical characteristics per partition"),
    (37, "Results", "performance with uncertainty"),
    (38, "Results", "estimates of diagnostic accuracy and their precision"),
    (39, "Results", "failure analysis"),
    (40, "Discussion", "limitations"),
    (41, "Discussion", "implications for practice"),
    (42, "Other", "full protocol or further technical details"),
    (43, "Other", "availability of software, model and data"),
    (44, "Other", "funding and the role of funders"),
)


# What a table adds to the metrics, and to the measures of uncertainty.
METRICS = {
    "operating": "partial AUC, sensitivity at a fixed specificity and the reverse, likelihood "
    "ratios, diagnostic odds ratio",
    "four_class": "accuracy and kappa of the four diagnoses",
    "calibration": "Brier score, calibration slope and intercept, O:E, ICI",
    "benefit": "net benefit",
    "segmentation": "Dice score and distances, lesion-wise sensitivity and precision",
    "volumes": "Bland-Altman limits and ICC of lesion volumes",
}
TESTS = {
    "readers": "McNemar with Tango's interval, Cochran's Q",
    "reader_group": "readers as a random group (Obuchowski-Rockette)",
    "paired": "paired predictive values (weighted generalised score)",
    "subgroups": "Fisher's test and Newcombe's interval in subgroups, Holm",
    "adjusted": "Firth's logistic regression, Benjamini-Hochberg",
    "scans": "several scans of a patient by Korn and Graubard",
    "segmentation": "bootstrap over patients",
}


def claim_table(cohort: Cohort, tables: Mapping[str, Table], version: str) -> Table:
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
    known = {**_data(cohort), **_model(cohort, version), **_results(cohort, tables)}
    rows = tuple(
        {"item": n, "section": section, "asks for": asked, "answer": known.get(n, OPEN)}
        for n, section, asked in ITEMS
    )
    filled = sum(row["answer"] != OPEN for row in rows)
    return Table(
        "claim",
        "CLAIM 2024 checklist",
        ("item", "section", "asks for", "answer"),
        rows,
        ("item", "section", "asks for", "answer"),
        (
            f"{filled} of {len(rows)} items are filled from the cohort, as a draft to check; the "
            "others only the authors can answer",
            "items in short, after Tejani et al., Radiol Artif Intell 2024;6:e240300",
        ),
    )


def _data(cohort: Cohort) -> dict[int, str]:
    cases = cohort.cases
    found = {
        12: f"{_answers(cohort)}; who has none is counted as wrong in a row of table 2; n says of "
        "every figure how many have a value",
        20: "the patient: one scan each"
        + (f", {cohort.n_repeated} further scans excluded" if cohort.n_repeated else ""),
        21: f"not stated; {cases.n} patients were evaluated",
    }
    if cohort.split != "all":
        found[19] = f"as the cohort says; the split {cohort.split} was evaluated"
    settings = cohort.settings.get("settings")
    if isinstance(settings, dict):
        found[9] = "as the model files state; settings of the run: " + ", ".join(
            f"{key} {value}" for key, value in settings.items()
        )
    return found


def _model(cohort: Cohort, version: str) -> dict[int, str]:
    found = {
        23: f"spinalcord {version} (Apache-2.0)",
        43: "software: spinalcord, Apache-2.0; models and data: for the authors",
    }
    models = cohort.settings.get("models")
    if isinstance(models, list) and models:
        names = [
            f"{m.get('role')}: {m.get('network')}, {m.get('name')} {m.get('version')}"
            for m in models
            if isinstance(m, dict)
        ]
        found[22] = "; ".join(names) + "; checksums under Settings"
    explained = [t for t in TASKS if cohort.cases.has(f"{t}_inside_fraction")]
    if explained:
        parts = []
        for name in explained:
            values = cohort.cases.numbers(f"{name}_inside_fraction")
            values = values[values == values]
            share = decimal(100 * float(values.mean()), 0)
            parts.append(f"{name} {share} % (n = {values.size})")
        how = (cohort.settings.get("settings") or {}).get("explanation") or {}
        title = METHODS[how.get("method", "gradcam")].title
        found[31] = f"{title}; mean share of the attribution within the lesion: {', '.join(parts)}"
    return found


def _results(cohort: Cohort, tables: Mapping[str, Table]) -> dict[int, str]:
    found = {
        35: "; ".join(f"{step.label}: {step.n}" for step in cohort.flow),
        28: "; ".join(
            ["accuracy, sensitivity, specificity, predictive values, AUC", *_made(METRICS, tables)]
        ),
        29: "; ".join(
            [
                "Wilson (exact near 0 and n), DeLong",
                *_made(TESTS, tables),
                f"intervals of {percent_text(cohort.level)} %; see Statistical methods",
            ]
        ),
    }
    if "planning" in tables:
        found[21] = (
            f"not stated; {cohort.cases.n} patients were evaluated; see the table of patients for "
            "a next study"
        )
    places = {
        18: ("agreement", "kappa and AC1 of readers"),
        30: ("subgroups", "subgroups with interactions" + _adjusted(tables)),
        36: ("table1", "table 1"),
        37: ("table2", "table 2"),
        38: ("table2", "table 2"),
        39: ("errors", "list of wrong diagnoses, and of failures"),
    }
    found |= {n: f"see {words}" for n, (name, words) in places.items() if name in tables}
    if not cohort.cases.readers:
        found.pop(18, None)
    return found


def _made(words: Mapping[str, str], tables: Mapping[str, Table]) -> list[str]:
    return [said for name, said in words.items() if name in tables]


def _adjusted(tables: Mapping[str, Table]) -> str:
    return ", each factor adjusted for the others" if "adjusted" in tables else ""


def _answers(cohort: Cohort) -> str:
    try:
        table = cohort.table("four_class")
    except MissingExtraError:
        raise
    except InputError:
        return "no patient has an answer"
    left = [note for note in table.notes if "without an answer" in note]
    return left[0] if left else "every patient has an answer"
