"""The three classification tasks, and the four diagnoses that they lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """A binary classification task; probabilities are those of `positive`.

    Parameters
    ----------
    name : str
        As in model files and on the command line, such as ``"ms_vs_nmosd"``.
    negative, positive : str
        The two answers; the positive one is the second in the name.
    """

    name: str
    negative: str
    positive: str


TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task("tumor_vs_demyelination", "tumor", "demyelination"),
        Task("astrocytoma_vs_ependymoma", "astrocytoma", "ependymoma"),
        Task("ms_vs_nmosd", "MS", "NMOSD"),
    )
}

DIAGNOSES = ("astrocytoma", "ependymoma", "MS", "NMOSD")


def deciding_tasks(diagnosis: str | None) -> tuple[str, ...]:
    """Name the tasks whose answers lead to a diagnosis.

    Parameters
    ----------
    diagnosis : str or None
        One of `DIAGNOSES`; None where nothing was classified.

    Returns
    -------
    tuple of str
        The first task and the one whose answer the diagnosis is; empty for None.

    Examples
    --------
    >>> deciding_tasks("NMOSD")
    ('tumor_vs_demyelination', 'ms_vs_nmosd')
    """
    if diagnosis is None:
        return ()
    return tuple(
        name
        for name, task in TASKS.items()
        if name == "tumor_vs_demyelination" or diagnosis in (task.negative, task.positive)
    )


def chain_probabilities(positive: Mapping[str, float]) -> dict[str, float]:
    """Combine the three tasks into one distribution over the four diagnoses.

    Parameters
    ----------
    positive : mapping of str to float
        Probability of the positive answer of each task in `TASKS`, in [0, 1].

    Returns
    -------
    dict of str to float
        Probability of each name in `DIAGNOSES`; they sum to 1. With d, e and n the
        probabilities of demyelination, ependymoma and NMOSD they are (1 - d)(1 - e),
        (1 - d) e, d (1 - n) and d n.
    """
    d = positive["tumor_vs_demyelination"]
    e = positive["astrocytoma_vs_ependymoma"]
    n = positive["ms_vs_nmosd"]
    return {
        "astrocytoma": (1 - d) * (1 - e),
        "ependymoma": (1 - d) * e,
        "MS": d * (1 - n),
        "NMOSD": d * n,
    }


def chain_diagnosis(labels: Mapping[str, str]) -> str:
    """Return the diagnosis: tumor or demyelination first, then the task below.

    Parameters
    ----------
    labels : mapping of str to str
        The answer of each task in `TASKS`, at the threshold of its model.

    Returns
    -------
    str
        One of `DIAGNOSES`. With thresholds other than 0.5, it may differ from the most
        probable one of `chain_probabilities`.
    """
    if labels["tumor_vs_demyelination"] == "demyelination":
        return labels["ms_vs_nmosd"]
    return labels["astrocytoma_vs_ependymoma"]
