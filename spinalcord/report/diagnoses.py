"""The whole chain: which of the four diagnoses was given to which patient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..stats import Confusion
from ..tasks import DIAGNOSES
from .cases import Cases
from .table import ESTIMATE, Table, estimate_row


def confusion(cases: Cases) -> tuple[Confusion, int]:
    """Count reference against answer, four diagnoses each.

    Returns
    -------
    table : Confusion
    unanswered : int
        Patients with a reference diagnosis and no answer.

    Raises
    ------
    InputError
        No patient with both.
    """
    reference, answer = cases.words("reference_diagnosis"), cases.words("diagnosis")
    pairs = [(r, a) for r, a in zip(reference, answer, strict=True) if r in DIAGNOSES]
    given = [(r, a) for r, a in pairs if a in DIAGNOSES]
    if not given:
        raise InputError("no case has both a reference_diagnosis and a diagnosis of the four")
    truth, predicted = zip(*given, strict=True)
    return Confusion.from_labels(truth, predicted), len(pairs) - len(given)


def four_class(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Accuracy and kappa of the chain, and sensitivity and predictive value of each diagnosis.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        As `confusion`.
    """
    table, unanswered = confusion(cases)
    rows = [estimate_row(estimate) for estimate in table.summary(level=level).values()]
    remarks = list(notes)
    if unanswered:
        remarks.append(f"patients without an answer, excluded: {unanswered}")
    return Table(
        "four_class",
        "The four diagnoses: the three questions asked one after the other",
        ESTIMATE,
        tuple(rows),
        ("figure", "sentence", "method"),
        tuple(remarks),
    )


def errors(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """List the patients whose diagnosis is wrong, the surest answers first.

    Parameters
    ----------
    cases : Cases
    level : float
        Not used: a list has no interval.
    notes : sequence of str

    Returns
    -------
    Table

    Raises
    ------
    InputError
        As `confusion`.
    """
    n = confusion(cases)[0].n
    reference, answer = cases.words("reference_diagnosis"), cases.words("diagnosis")
    ids = cases.words("case_id")
    p = {name: cases.numbers(f"{name}_probability") for name in DIAGNOSES}
    wrong = [
        i
        for i, (r, a) in enumerate(zip(reference, answer, strict=True))
        if r in DIAGNOSES and a in DIAGNOSES and r != a
    ]
    rows = [
        {
            "case_id": ids[i],
            "reference": reference[i],
            "answer": answer[i],
            "p_answer": float(p[answer[i]][i]),
            "p_reference": float(p[reference[i]][i]),
        }
        for i in wrong
    ]
    # NaN, where there are no probabilities, would leave no order.
    rows.sort(key=lambda row: (-np.nan_to_num(row["p_answer"]), row["case_id"]))
    return Table(
        "errors",
        "Wrong diagnoses, the surest first",
        ("case_id", "reference", "answer", "p_answer", "p_reference"),
        tuple(rows),
        ("case_id", "reference", "answer", "p_answer", "p_reference"),
        (*notes, f"{len(rows)} of {n} patients; p: the probability that the models gave"),
    )
