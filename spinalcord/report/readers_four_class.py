"""Comparison with readers on the same question: which of the four diagnoses it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..stats import Comparison, Estimate, cochran_q, discordant, mcnemar, proportion
from ..tasks import DIAGNOSES
from .cases import GROUP, Bool, Cases

FOUR = "four diagnoses"
NOTES = (
    "second and third task: only the very diagnosis counts as right",
    "within a pair of diagnoses the model answers a two-way question, the readers a four-way one: "
    "the model is told which pair it is, the readers are not, so that the difference favours the "
    f"model; the rows {FOUR!r} compare like with like: the model's diagnosis of the four, found by "
    "asking all questions, with that of the readers",
)

Row = tuple[dict[str, str], Estimate | Comparison]


def four_class_rows(cases: Cases, *, level: float) -> list[Row]:
    """Compare the model's diagnosis of the four with each reader's.

    Parameters
    ----------
    cases : Cases
    level : float

    Returns
    -------
    list of (keys, Estimate or Comparison)
        Figures of the patients in whom reference, model and reader name one of the four diagnoses:
        the accuracy of both and their difference (McNemar, Tango's interval), for all patients, for
        tumors and for demyelination; with several readers, whether they differ (Cochran). Empty
        where the model gave no diagnosis.
    """
    reference, model = cases.words("reference_diagnosis"), cases.words("diagnosis")
    answered = _named(reference) & _named(model)
    rows: list[Row] = []
    for group, own in _groups(reference):
        keys = {"task": f"{FOUR}{group}"}
        for reader in cases.readers:
            read = cases.words(reader)
            both = answered & own & _named(read)
            if both.any():
                ours = (model == reference)[both]
                theirs = (read == reference)[both]
                rows += _pair({**keys, "cases": reader}, ours, theirs, level)
    several = np.array([cases.words(reader) for reader in cases.readers])
    every = answered & np.all([_named(read) for read in several], axis=0)
    if len(several) > 1 and every.any() and rows:
        correct = (several == reference)[:, every].T
        rows.append(
            ({"task": FOUR, "cases": "the readers together"}, cochran_q(correct, level=level))
        )
    return rows


def _pair(keys: dict[str, str], ours: Bool, theirs: Bool, level: float) -> list[Row]:
    shares: list[Row] = [
        (keys, proportion(int(right.sum()), right.size, level=level, name=f"accuracy, {whose}"))
        for whose, right in (("model, of four", ours), ("reader, of four", theirs))
    ]
    test = mcnemar(
        *discordant(ours, theirs), level=level, name="accuracy, four-class model less reader"
    )
    return [*shares, (keys, test)]


def _groups(reference: np.ndarray) -> Iterator[tuple[str, Bool]]:
    kinds = np.array([GROUP.get(word, "") for word in reference], object)
    yield "", np.ones(reference.size, bool)
    for kind in ("tumor", "demyelination"):
        yield f", {kind}", kinds == kind


def _named(words: np.ndarray) -> Bool:
    return np.isin(words.astype(str), DIAGNOSES)
