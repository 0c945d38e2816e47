"""Interpret the values and names in a mask: lesion, cord, oedema, cyst."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any, TypeAlias

from ..errors import InputError

STRUCTURES = ("lesion", "cord", "oedema", "cyst", "unannotated")
"""Structures that a map may name; ``unannotated`` marks slices that were not annotated."""

OTHERS = ("oedema", "cyst")
"""Those that are neither lesion nor cord, which are measured separately."""

Label: TypeAlias = "int | str | dict[str, int | str] | None"
"""Label of the lesion in a mask: a value, a segment's name, or a map of structures to these."""

# Words in the name of a segment, by structure. The first match counts: "cord lesion" is a lesion.
_WORDS = {
    "unannotated": r"un-?annotated|not annotated|ignored?",
    "oedema": r"o?edema|ödem|œdème",
    "cyst": r"cysts?|zyste|kyste|syrinx|cavity",
    "lesion": r"lesions?|läsion(en)?|lésions?|plaques?|tumou?rs?|tumeur|gtv\w*|mass|myelitis",
    "cord": r"(spinal)?cord|spinal|myelon|medulla|sc",
}


def structure_of(name: str) -> str:
    """Return the structure that the name of a segment denotes.

    Parameters
    ----------
    name : str
        Name in 3D Slicer, DICOM SEG or RTSTRUCT.

    Returns
    -------
    str
        One of `STRUCTURES`; empty if the name denotes none of them.

    Examples
    --------
    >>> structure_of("MS lesion 2"), structure_of("Spinal cord"), structure_of("Segment_1")
    ('lesion', 'cord', '')
    """
    words = re.sub(r"[_\W]+", " ", name.casefold()).strip()
    for structure, pattern in _WORDS.items():
        if re.search(rf"(?<![^\W\d_])(?:{pattern})(?![^\W\d_])", words):
            return structure
    return ""


def check_label(label: Any) -> Label:
    """Check the label of the lesion in a mask.

    Parameters
    ----------
    label : int, str or mapping, optional
        A value of at least 1, the name of a segment, or a map of structures (`STRUCTURES`) to
        values or names, such as ``{"cord": 1, "lesion": 2}``.

    Returns
    -------
    int, str, dict or None

    Raises
    ------
    InputError
        Not an integer of at least 1, an empty name, or a map without lesion, with other structures,
        or with a value twice.

    Examples
    --------
    >>> check_label(2), check_label({"cord": 1, "lesion": 2})
    (2, {'cord': 1, 'lesion': 2})
    """
    if label is None:
        return None
    if not isinstance(label, Mapping):
        return _check_one(label)
    unknown = [str(name) for name in label if name not in STRUCTURES]
    if unknown or "lesion" not in label:
        raise InputError(
            f"a map of labels names lesion, and any of {', '.join(STRUCTURES[1:])}; got "
            f"{', '.join(map(str, label)) or 'nothing'}"
        )
    checked = {str(name): _check_one(value) for name, value in label.items()}
    if len(set(checked.values())) < len(checked):
        raise InputError(f"a map of labels gives one value to several structures: {checked}")
    return checked


def parse_label(text: str) -> Label:
    """Parse a label from text, as given on the command line.

    Raises
    ------
    InputError
        As for `check_label`.

    Examples
    --------
    >>> parse_label("2"), parse_label("Tumour core"), parse_label("lesion=2,cord=1")
    (2, 'Tumour core', {'lesion': 2, 'cord': 1})
    """
    if "=" not in text:
        return check_label(_value(text))
    pairs = [part.partition("=")[::2] for part in text.split(",")]
    return check_label({name.strip(): _value(value) for name, value in pairs})


def pick(label: Label, structure: str) -> int | str | None:
    """Return the value or name of a structure in a label, if it states one.

    Parameters
    ----------
    label : int, str, dict or None
        Result of `check_label`; a single value or name is that of the lesion.
    structure : str
        One of `STRUCTURES`.

    Returns
    -------
    int, str or None
    """
    if isinstance(label, Mapping):
        return label.get(structure)
    return label if structure == "lesion" else None


def choose_segments(
    names: Iterable[str], meant: Mapping[str, str], label: Label, structure: str, where: str
) -> tuple[str, ...]:
    """Choose the segments of a file that show a structure.

    Parameters
    ----------
    names : iterable of str
        Names of all segments.
    meant : mapping of str to str
        Structure that each segment denotes; empty if unknown.
    label : int, str, dict or None
        Result of `check_label`. A number counts the segments from 1; the numbers in a map are
        values of label maps; named segments are selected by name.
    structure : str
        One of `STRUCTURES`.
    where : str
        Name of the file, for messages.

    Returns
    -------
    tuple of str
        All segments named as lesions; a single unnamed segment is a lesion; empty for another
        structure that the file does not contain.

    Raises
    ------
    InputError
        A label that matches no segment; several segments of which none is named as a lesion.
    """
    names = list(names)
    wanted = pick(label, structure)
    if isinstance(label, Mapping) and isinstance(wanted, int):
        wanted = None
    shown = ", ".join(repr(name) for name in names) or "none"
    if isinstance(wanted, int):
        if wanted > len(names):
            raise InputError(f"{where}: {len(names)} segments ({shown}); no number {wanted}")
        return (names[wanted - 1],)
    if wanted is not None:
        found = tuple(name for name in names if name.casefold() == wanted.casefold())
        if not found:
            raise InputError(f"{where}: no segment {wanted!r}; there are {shown}")
        return found
    found = tuple(name for name in names if meant[name] == structure)
    if structure != "lesion" or found:
        return found
    if len(names) == 1 and not meant[names[0]]:
        return tuple(names)
    raise InputError(
        f"{where}: no segment is called a lesion's; there are {shown}: lesion_label= or "
        "--lesion-label names the one to take"
    )


def _check_one(label: Any) -> int | str:
    if isinstance(label, str) and label.strip():
        return label.strip()
    whole = isinstance(label, Integral) and not isinstance(label, bool)
    if not whole or label < 1:
        raise InputError(
            f"a label is a whole number of at least 1, got {label!r}; it may also be the name of a "
            "segment"
        )
    return int(label)


def _value(text: str) -> int | str:
    text = text.strip()
    return int(text) if text.lstrip("+-").isdecimal() else text
