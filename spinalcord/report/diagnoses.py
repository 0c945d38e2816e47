"""The whole chain: which of the four diagnoses was given to which patient."""

from __future__ import annotations

from collections.abc import Sequence

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
        remarks.append(f"{unanswered} patients without an answer are left out")
    return Table(
        "four_class",
        "The four diagnoses: the three questions asked one after the other",
        ESTIMATE,
        tuple(rows),
        ("figure", "sentence", "method"),
        tuple(remarks),
    )
