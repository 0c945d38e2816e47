"""The published counts of the letter, and an audit of its figures.

Zhuo et al., Radiology: Artificial Intelligence 2022. Everything here is reconstructed from
published counts and is never a result of this project. What was not published (bodies of the
tables, p-values, demographics, subgroups) is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..extras import require
from .audit import Finding, auc_bounds, possible_counts, width_ratio
from .cascade import Branch, chain_bounds
from .comparison import mcnemar_bounds
from .diagnostic import TwoByTwo
from .distributions import fisher_p
from .estimate import Estimate, decimal, p_text
from .proportions import Method, proportion, proportion_difference
from .thresholds import youden_optimism

NOTICE = "constructed from published counts; not a result of this project"


@dataclass(frozen=True)
class LetterTask:
    """One of the letter's three questions, in its test cohort.

    Parameters
    ----------
    name : str
        As in `spinalcord.tasks`.
    counts, difficult : TwoByTwo
        All cases, and those on which the neuroradiologists disagreed.
    readers_correct : int
        Cases that the neuroradiologists got right, of all.
    printed : mapping of str to int
        Percentages in the text: accuracy, sensitivity, specificity, readers, and the first three
        again for difficult cases.
    auc : (float, float, float)
        As printed, with its 95 % interval.

    Examples
    --------
    >>> task = letter().tasks[0]
    >>> task.name, task.counts.tp, task.auc
    ('tumor_vs_demyelination', 76, (0.99, 0.97, 1.0))
    >>> task.estimates()[0].sentence()
    '96 % (150 of 157) [95 % CI: 91 %, 98 %]'
    """

    name: str
    counts: TwoByTwo
    difficult: TwoByTwo
    readers_correct: int
    printed: Mapping[str, int]
    auc: tuple[float, float, float]

    def estimates(self, *, level: float = 0.95, method: Method = "default") -> list[Estimate]:
        """Compute what the counts give: seven proportions of all cases, three of difficult ones.

        Parameters
        ----------
        level, method
            As in `proportion`.

        Returns
        -------
        list of Estimate
            Predictive values are derived: the letter's text does not print them.

        Raises
        ------
        InputError
            As `proportion`.
        """
        every = self.counts.summary(level=level, method=method)
        hard = self.difficult.summary(level=level, method=method)
        readers = proportion(
            self.readers_correct,
            self.counts.n,
            level=level,
            method=method,
            name="readers' accuracy",
        )
        figures = [every[k] for k in ("accuracy", "sensitivity", "specificity", "ppv", "npv")]
        harder = [hard[k] for k in ("accuracy", "sensitivity", "specificity")]
        return [*figures, readers, *harder]


@dataclass(frozen=True)
class Letter:
    """What the letter published, and what follows from it.

    Parameters
    ----------
    tasks : tuple of LetterTask
    dice : mapping of str to float
        Mean Dice score by diagnosis, test cohort.
    corrected : mapping of str to (int, int)
        Masks of the test cohort that were corrected by hand, of all.
    development, test : mapping of str to int
        Patients by diagnosis: training and validation together, and testing.
    difficult_range : (int, int)
        Accuracy in difficult cases as the abstract gives it, in percent.
    notice : str
        Where all this comes from.

    Examples
    --------
    >>> known = letter()
    >>> [task.name for task in known.tasks]
    ['tumor_vs_demyelination', 'astrocytoma_vs_ependymoma', 'ms_vs_nmosd']
    >>> known.test["MS"], known.dice["MS"]
    (33, 0.5)
    """

    tasks: tuple[LetterTask, ...]
    dice: Mapping[str, float]
    corrected: Mapping[str, tuple[int, int]]
    development: Mapping[str, int]
    test: Mapping[str, int]
    difficult_range: tuple[int, int]
    notice: str = NOTICE

    def rows(self, *, level: float = 0.95, method: Method = "default") -> list[dict[str, Any]]:
        """Table 2 as plain rows.

        Parameters
        ----------
        level, method
            As in `proportion`.

        Returns
        -------
        list of dict
            task, cases ("all" or "difficult"), figure, percent (as printed in the letter), k, n,
            low, high, method, sentence, notice.

        Raises
        ------
        InputError
            As `proportion`.
        """
        rows = []
        for task in self.tasks:
            for i, e in enumerate(task.estimates(level=level, method=method)):
                rows.append(
                    {
                        "task": task.name,
                        "cases": "all" if i < 6 else "difficult",
                        "figure": e.name,
                        "percent": int(decimal(100 * e.estimate, 0)),
                        "k": e.k,
                        "n": e.n,
                        "low": e.low,
                        "high": e.high,
                        "method": e.method,
                        "sentence": e.sentence(),
                        "notice": self.notice,
                    }
                )
        return rows

    def table2(self, *, level: float = 0.95, method: Method = "default") -> Any:
        """Table 2 as a pandas DataFrame; see `rows`.

        Raises
        ------
        InputError
            As `proportion`.
        MissingExtraError
            Without pandas.
        """
        pandas = require("pandas", "report", "a DataFrame", instead="rows()")
        return pandas.DataFrame(self.rows(level=level, method=method))

    def audit(self) -> list[Finding]:
        """Say what the published figures imply, and what they do not.

        Returns
        -------
        list of Finding
        """
        return [
            self._percentages(),
            self._difficult_range(),
            *(_harder(task) for task in self.tasks),
            *(_readers(task) for task in self.tasks),
            *(_auc(task) for task in self.tasks),
            *(_cut_off(task) for task in self.tasks),
            self._four_classes(),
        ]

    def _percentages(self) -> Finding:
        wrong = []
        for task in self.tasks:
            estimates = task.estimates()
            names = [e.name if i < 6 else f"{e.name}, difficult" for i, e in enumerate(estimates)]
            percent = {
                name: int(decimal(100 * e.estimate, 0))
                for name, e in zip(names, estimates, strict=True)
            }
            wrong += [
                f"{task.name}, {name}: {printed} %"
                for name, printed in task.printed.items()
                if percent[name] != printed
            ]
        checked = sum(len(task.printed) for task in self.tasks)
        text = f"{checked - len(wrong)} of {checked} printed percentages follow from their counts"
        return Finding("percentages", text, {"checked": checked, "wrong": wrong})

    def _difficult_range(self) -> Finding:
        low, high = self.difficult_range
        text = [task.printed["accuracy, difficult"] for task in self.tasks]
        sizes = [task.difficult.n for task in self.tasks]
        possible = {str(n): possible_counts(low, n) for n in sizes}
        end = "can be" if any(possible.values()) else "cannot be"
        sentence = (
            f"difficult cases: the abstract says {low} % to {high} %, the text {min(text)} % to "
            f"{max(text)} %; {low} % {end} a share of {sizes[0]}, {sizes[1]} or {sizes[2]} cases"
        )
        return Finding("difficult cases", sentence, {"printed": text, "possible": possible})

    def _four_classes(self) -> Finding:
        first, tumor, demyelination = (task.counts for task in self.tasks)
        low, high = chain_bounds(
            Branch(tumor.n, first.tn, tumor.n_correct),
            Branch(demyelination.n, first.tp, demyelination.n_correct),
        )
        text = (
            "four classes: the accuracy of the whole chain is not reported; the counts bound it to "
            f"{decimal(100 * low.estimate, 1)} % to {decimal(100 * high.estimate, 1)} %"
        )
        return Finding("four classes", text, {"low": low.to_dict(), "high": high.to_dict()})


def letter() -> Letter:
    """Return the letter's published figures.

    Returns
    -------
    Letter
        Labelled as constructed from published counts.

    Examples
    --------
    >>> from spinalcord.stats import letter
    >>> letter().tasks[0].counts.summary()["accuracy"].sentence()
    '96 % (150 of 157) [95 % CI: 91 %, 98 %]'

    References
    ----------
    .. [1] Zhuo et al., Radiol Artif Intell (2022), abstract and Results.
    """
    return _LETTER


def _task(
    name: str,
    positive: str,
    counts: tuple[int, int, int, int],
    difficult: tuple[int, int, int, int],
    readers: int,
    printed: tuple[int, ...],
    auc: tuple[float, float, float],
) -> LetterTask:
    figures = ("accuracy", "sensitivity", "specificity")
    names = [*figures, "readers' accuracy", *(f"{figure}, difficult" for figure in figures)]
    return LetterTask(
        name,
        TwoByTwo(*counts, positive=positive),
        TwoByTwo(*difficult, positive=positive),
        readers,
        MappingProxyType(dict(zip(names, printed, strict=True))),
        auc,
    )


# Counts: true positives, false negatives, true negatives, false positives.
_LETTER = Letter(
    tasks=(
        _task(
            "tumor_vs_demyelination",
            "demyelination",
            (76, 2, 74, 5),
            (21, 1, 17, 1),
            152,
            (96, 97, 94, 97, 95, 95, 94),
            (0.99, 0.97, 1.0),
        ),
        _task(
            "astrocytoma_vs_ependymoma",
            "ependymoma",
            (34, 11, 31, 3),
            (6, 1, 9, 2),
            57,
            (82, 76, 91, 72, 83, 86, 82),
            (0.90, 0.79, 0.97),
        ),
        _task(
            "ms_vs_nmosd",
            "NMOSD",
            (36, 9, 26, 7),
            (13, 2, 5, 2),
            52,
            (79, 80, 79, 67, 82, 87, 71),
            (0.85, 0.74, 0.96),
        ),
    ),
    dice=MappingProxyType({"astrocytoma": 0.77, "ependymoma": 0.80, "MS": 0.50, "NMOSD": 0.58}),
    corrected=MappingProxyType({"tumor": (7, 79), "demyelination": (23, 78)}),
    development=MappingProxyType({"astrocytoma": 118, "ependymoma": 130, "MS": 101, "NMOSD": 141}),
    test=MappingProxyType({"astrocytoma": 34, "ependymoma": 45, "MS": 33, "NMOSD": 45}),
    difficult_range=(79, 95),
)


def _harder(task: LetterTask) -> Finding:
    """Check whether the model did worse on difficult cases than on the others."""
    hard, every = task.difficult, task.counts
    right, wrong = hard.n_correct, hard.n - hard.n_correct
    other_right, other = every.n_correct - right, every.n - hard.n
    p = fisher_p(right, wrong, other_right, other - other_right)
    difference = proportion_difference(right, hard.n, other_right, other, name="accuracy")
    text = (
        f"{task.name}: {right} of {hard.n} difficult cases right and {other_right} of {other} "
        f"others, difference {difference.sentence()}; {p_text(p)} (Fisher)"
    )
    return Finding("difficult cases", text, {"p": p, "difference": difference.to_dict()})


def _readers(task: LetterTask) -> Finding:
    """Check whether the marginal counts can show that the model and the readers differ."""
    bounds = mcnemar_bounds(task.counts.n, task.counts.n_correct, task.readers_correct)
    if bounds.high < 0.05:
        verdict = "they differ, whatever the overlap"
    elif bounds.low < 0.05:
        verdict = "whether they differ depends on the unpublished overlap of errors"
    else:
        verdict = "no overlap of errors would show that they differ"
    text = f"{task.name}, model against readers: {bounds.sentence()}; {verdict}"
    figures = {
        "p": [bounds.low, bounds.high],
        "only_model_right": [bounds.low_counts[0], bounds.high_counts[0]],
        "only_readers_right": [bounds.low_counts[1], bounds.high_counts[1]],
    }
    return Finding("readers", text, figures)


def _auc(task: LetterTask) -> Finding:
    """Check whether the printed area and its interval fit the operating point and the counts."""
    c = task.counts
    area, low, high = task.auc
    least, most = auc_bounds(c.tp / c.n_positive, c.tn / c.n_negative)
    ratio = width_ratio(area, low, high, c.n_positive, c.n_negative)
    fits = "lies" if least <= area <= most else "does not lie"
    text = (
        f"{task.name}: the AUC of {decimal(area, 2)} {fits} between the {decimal(least, 2)} and "
        f"{decimal(most, 2)} that the operating point allows; its interval is {decimal(ratio, 1)} "
        "times as wide as Hanley and McNeil's"
    )
    return Finding("AUC", text, {"bounds": [least, most], "width_ratio": ratio})


def _cut_off(task: LetterTask) -> Finding:
    """Estimate the optimism if the threshold had been chosen on the test cases."""
    c = task.counts
    points = 100 * youden_optimism(task.auc[0], c.n_positive, c.n_negative)
    text = (
        f"{task.name}: the threshold's origin is not stated; the authors' public script takes "
        "Youden's on the evaluated cases, at which an AUC like this one flatters accuracy by about "
        f"{decimal(points, 1)} points (simulated)"
    )
    return Finding("threshold", text, {"points": points})
