"""Numbers in sentences."""

from __future__ import annotations


def counted(n: int, one: str, many: str = "") -> str:
    """Return a number with its noun, in the singular if it is one.

    Parameters
    ----------
    n : int
    one : str
        The singular.
    many : str, optional
        The plural; by default the singular and an s.

    Returns
    -------
    str

    Examples
    --------
    >>> counted(1, "patient"), counted(0, "patient"), counted(3, "diagnosis", "diagnoses")
    ('1 patient', '0 patients', '3 diagnoses')
    """
    return f"{n} {one if n == 1 else many or one + 's'}"
