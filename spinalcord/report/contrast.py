"""Benefit of contrast: patients with and without T1c scans, and the same patients twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..stats import (
    Comparison,
    Estimate,
    compare_aucs,
    compare_modalities_by,
    discordant,
    mcnemar,
    proportion,
)
from .cases import Cases, Question
from .performance import (
    compared,
    questions,
    two_groups,
)
from .readers import judge
from .table import Table


def t1c_groups(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Compare patients with a contrast-enhanced T1w scan with those without.

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
        As `questions`; all or none have one.
    """
    words = cases.words("t1c")
    flags = np.array([{"given": True, "absent": False}.get(word) for word in words], object)
    if {*flags} & {True, False} != {True, False}:
        raise InputError(
            "with and without T1c cannot be compared: column t1c says the same of every case; "
            "give the same patients' other run as with_t1c(other)"
        )
    caution = "other patients are compared, who may differ in more than the T1c scan"
    return two_groups(
        cases,
        flags,
        ("with T1c", "without T1c"),
        name="with_t1c",
        title="Patients with T1c against those without",
        level=level,
        notes=[*notes, caution],
    )


def t1c_paired(
    without: Cases, given: Cases, *, level: float = 0.95, notes: Sequence[str] = ()
) -> Table:
    """Compare two runs of the same patients: without T1c, and with it.

    Parameters
    ----------
    without, given : Cases
        Matched by case_id; cases of only one are ignored.
    level, notes
        As in `table2`.

    Returns
    -------
    Table
        Per task accuracy of both, their difference (McNemar), and that of the AUCs (DeLong); where
        two readers or more read both, also theirs (Obuchowski and Rockette).

    Raises
    ------
    InputError
        As `questions`; no patient in both.
    """
    first, second = _match(without, given)
    rows: list[tuple[dict[str, str], Estimate | Comparison]] = []
    for a, b in zip(questions(first), questions(second), strict=True):
        both = a.answered & b.answered
        options = {"task": a.name}
        for which, question in (("without T1c", a), ("with T1c", b)):
            e = proportion(
                int(question.right[both].sum()), int(both.sum()), level=level, name="accuracy"
            )
            rows.append(({**options, "cases": which}, e))
        test = mcnemar(
            *discordant(b.right[both], a.right[both]),
            level=level,
            name="accuracy, with less without",
        )
        rows.append(({**options, "cases": "same patients"}, test))
        scored = a.scored & b.scored
        if len({*a.truth[scored]}) == 2:
            scores = np.stack([b.probability[scored], a.probability[scored]])
            areas = compare_aucs(
                a.truth[scored], scores, level=level, name="AUC, with less without"
            )
            rows.append(({**options, "cases": "same patients"}, areas))
        rows += [({**options, **keys}, test) for keys, test in _readings(first, second, a, level)]
    remarks = [*notes, f"{first.n} patients in both runs, matched by case_id"]
    return compared("with_t1c", "With T1c against without, same patients", rows, remarks)


def _readings(
    first: Cases, second: Cases, question: Question, level: float
) -> list[tuple[dict[str, str], Comparison]]:
    """Compare the accuracy of readers who read every patient without and with T1c."""
    readers = [reader for reader in first.readers if reader in second.readers]
    if len(readers) < 2:
        return []
    marks = [[judge(cases, question, r) for r in readers] for cases in (second, first)]
    every = np.all([read for modality in marks for read, _ in modality], axis=0)
    answers = np.array([[right[every] for _, right in modality] for modality in marks])
    if not every.any() or (answers[0] == answers[1]).all():
        return []
    study = compare_modalities_by(
        "accuracy",
        np.ones(int(every.sum()), bool),
        answers,
        modalities=("with", "without"),
        level=level,
    )
    return [({"cases": f"{len(readers)} readers, same patients"}, study.comparison)]


def _match(first: Cases, second: Cases) -> tuple[Cases, Cases]:
    place = {case: i for i, case in enumerate(second.words("case_id"))}
    pairs = [(i, place[c]) for i, c in enumerate(first.words("case_id")) if c in place]
    if not pairs:
        raise InputError("no case_id is in both runs")
    left, right = np.array(pairs, np.int64).T
    a, b = first.take(left), second.take(right)
    if (a.words("reference_diagnosis") != b.words("reference_diagnosis")).any():
        raise InputError("the two runs differ in the reference_diagnosis of a case")
    return a, b
