"""Parse names of lesion masks in a BIDS data set, and match them with scans.

Data sets of the spinal cord community call the same mask ``sub-01_label-lesion_mask``,
``sub-01_T2w_lesion-manual``, ``sub-01_T2w_label-lesion_seg`` or ``sub-01_desc-lesion_dseg``. A name
must identify the scan (entities in any order, ``run-01`` equals ``run-1``), contain lesion, and
have no space other than that of the scan.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ENDING = re.compile(r"\.nii(?:\.gz)?$", re.IGNORECASE)
_ENTITY = re.compile(r"([A-Za-z]+)-([A-Za-z0-9+]+)")
_LESION = ("lesion", "lesions", "lesionseg", "lesionmask")
_KINDS = ("mask", "dseg", "seg")
_DESCRIBING = ("label", "desc", "space", "res", "den", "lesion", "lesions", "seg", "mask")
NATIVE = ("orig", "native", "individual", "scan", "t2w")
"""Values of ``space-`` that mean the scan's own."""

CONTRAST = "T2w"


@dataclass(frozen=True)
class ScanName:
    """Contents of a file name.

    Parameters
    ----------
    entities : frozenset of (str, str)
        Entities that distinguish scans: sub, ses, acq, run and so on.
    contrast : str
        Such as "T2w"; empty if the name has none.
    is_lesion : bool
        Whether it is a mask of lesions, by its name.
    space : str
        Value of ``space-``; empty for the space of the scan.
    """

    entities: frozenset[tuple[str, str]]
    contrast: str
    is_lesion: bool
    space: str

    def fits(self, entities: frozenset[tuple[str, str]]) -> bool:
        """Return whether this is a lesion mask on the grid of the T2w scan with these entities."""
        return (
            self.is_lesion
            and not self.space
            and self.contrast in ("", CONTRAST)
            and self.entities == entities
        )


def parse_name(name: str) -> ScanName | None:
    """Parse the name of a NIfTI file.

    Parameters
    ----------
    name : str
        Without its folder.

    Returns
    -------
    ScanName or None
        None if it is not a NIfTI file of a subject.

    Examples
    --------
    >>> mask = parse_name("sub-01_run-01_T2w_lesion-manual.nii.gz")
    >>> mask.is_lesion, mask.contrast, sorted(mask.entities)
    (True, 'T2w', [('run', '1'), ('sub', '01')])
    >>> mask.fits(parse_name("sub-01_run-1_T2w.nii.gz").entities)
    True
    """
    if not _ENDING.search(name) or not name.startswith("sub-"):
        return None
    own: set[tuple[str, str]] = set()
    said: list[tuple[str, str]] = []
    words: list[str] = []
    for part in _ENDING.sub("", name).split("_"):
        entity = _ENTITY.fullmatch(part)
        if entity is None:
            words.append(part)
        elif entity[1].lower() in _DESCRIBING:
            said.append((entity[1].lower(), entity[2].lower()))
        else:
            own.add((entity[1], _plain(entity[1], entity[2])))
    space = next((value for key, value in said if key == "space"), "")
    contrasts = [word for word in words if word.lower() not in (*_KINDS, *_LESION, "manual")]
    return ScanName(
        frozenset(own),
        "_".join(contrasts),
        _is_lesion(said, [word.lower() for word in words]),
        "" if space in NATIVE else space,
    )


def _plain(key: str, value: str) -> str:
    """Return a value for comparison: an index without leading zeros."""
    return str(int(value)) if key != "sub" and value.isascii() and value.isdigit() else value


def _is_lesion(said: list[tuple[str, str]], words: list[str]) -> bool:
    """Return whether a name is that of a lesion mask, and not of a scan or of probabilities."""
    keys = [key for key, _ in said]
    if any(word in _LESION for word in words) or "lesion" in keys or "lesions" in keys:
        return "probseg" not in words
    named = [key for key, value in said if value in _LESION and key != "space"]
    if not named:
        return False
    return any(word in _KINDS for word in words) or "desc" not in named
