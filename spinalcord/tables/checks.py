"""Find unusable contents of a table: unknown words and impossible values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from .cells import number_text
from .data_table import READERS
from .words import KINDS, listed_words, unknown_words

PLAUSIBLE: Mapping[str, tuple[float, float]] = {
    "age": (0.0, 120.0),  # years; -99 and 999 are codes of missing ones
    "dice": (0.0, 1.0),
    "iou": (0.0, 1.0),
    "surface_dice": (0.0, 1.0),
    "hd95_mm": (0.0, 1e4),
    "assd_mm": (0.0, 1e4),
    "lesion_volume_mm3": (0.0, 1e6),
    "reference_volume_mm3": (0.0, 1e6),
    "n_lesions": (0.0, 1e4),
    "reference_n_lesions": (0.0, 1e4),
}
"""From and to: values outside are reported, and count as missing."""


def is_plausible(column: str, value: float) -> bool:
    """Return whether a value is within the limits of its column, if these are known.

    Parameters
    ----------
    column : str
    value : float

    Returns
    -------
    bool

    Examples
    --------
    >>> is_plausible("age", -99), is_plausible("age", 41), is_plausible("slice_mm", -99)
    (False, True, True)
    """
    low, high = PLAUSIBLE.get(column, (float("-inf"), float("inf")))
    return low <= value <= high


def unusable(columns: Mapping[str, Sequence[str]], unit: str = "cases") -> tuple[str, ...]:
    """Return sentences on the unusable values of columns and their numbers of cases.

    Parameters
    ----------
    columns : mapping of str to sequence of str
        Sex and diagnoses as `Vocabulary.read` spells them.
    unit : str, default "cases"
        Unit of the values, in the plural.

    Returns
    -------
    tuple of str
        One sentence per column.

    Examples
    --------
    >>> unusable({"sex": ["F", "U", "U", ""], "age": ["41", "999", "", "-99"]})[0]
    "sex: 2 of 4 cases have an unknown word, which counts as missing: 'U' (2)"
    """
    out = []
    for column, words in columns.items():
        kind = KINDS.get(column, "diagnosis" if column.startswith(READERS) else "")
        if kind:
            unknown = unknown_words(kind, words)
            if unknown:
                n, what = sum(unknown.values()), listed_words(unknown)
                out.append(
                    f"{column}: {n} of {len(words)} {unit} have an unknown word, which "
                    f"counts as missing: {what}"
                )
        elif column in PLAUSIBLE:
            wrong = Counter(word for word in words if not _fits(column, word))
            if wrong:
                low, high = PLAUSIBLE[column]
                n, what = sum(wrong.values()), listed_words(wrong)
                out.append(
                    f"{column}: {n} of {len(words)} {unit} have a value outside {low:g} to "
                    f"{high:g}, which counts as missing: {what}"
                )
    return tuple(out)


def _fits(column: str, word: str) -> bool:
    plain = number_text(word)
    return plain is None or is_plausible(column, float(plain))
