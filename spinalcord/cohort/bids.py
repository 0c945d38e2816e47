"""A BIDS folder as a cohort: T2w scans, masks in its derivatives, and participants.tsv.

References
----------
.. [1] https://bids-specification.readthedocs.io, "Magnetic Resonance Imaging", "Imaging data types"
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import InputError
from ..scans.writing import result_stem
from .listing import CohortCase, carried_columns, clean, read_rows, truth

_IMAGE = re.compile(r"(sub-[A-Za-z0-9]+(?:_[a-z]+-[A-Za-z0-9+]+)*)_([A-Za-z0-9]+)\.nii(?:\.gz)?")
_LESION = re.compile(r"_(?:label|desc)-lesion(?:_|$)")


def is_bids(folder: Path) -> bool:
    """Say whether a folder is laid out by BIDS: it has participants.tsv or folders ``sub-*``."""
    return (folder / "participants.tsv").is_file() or any(
        name.startswith("sub-") and (folder / name).is_dir() for name in listed(folder)
    )


def list_bids(
    folder: Path, wanted: Sequence[str], masks: bool, t1c: bool, out: Path | None
) -> tuple[list[CohortCase], tuple[str, ...]]:
    """List the T2w scans of a BIDS folder.

    Where a folder ``anat`` has scans with ``acq-sag...``, only these are cases. Without NIfTI,
    DICOM is looked for in ``sourcedata/sub-*`` and ``dicom/sub-*``: in their subfolders ``T2w`` and
    ``ce-*_T1w`` where there are such, else in the whole.

    Parameters
    ----------
    folder : Path
        The dataset.
    wanted : sequence of str
        Columns of participants.tsv to carry along.
    masks, t1c : bool
        Whether to look for lesion masks in ``derivatives``, and for ``ce-*_T1w`` scans.
    out : Path, optional
        Not searched for masks, nor is any other folder that a run has written.

    Returns
    -------
    cases : list of CohortCase
    columns : tuple of str
        Of participants.tsv that are carried along.

    Raises
    ------
    InputError
        An unreadable folder; no T2w scan; several masks for one scan; a participants.tsv
        without the column participant_id.
    """
    people, columns = _participants(folder, wanted)
    found = _lesion_masks(folder / "derivatives", out) if masks else {}
    cases = []
    for subject in sorted(name for name in listed(folder) if name.startswith("sub-")):
        for anat in _anat_folders(folder / subject):
            names = sorted(listed(anat))
            contrast = [name for name in names if t1c and _is_contrast(name)]
            for name in _scans(names):
                stem = result_stem(name)
                cases.append(
                    CohortCase(
                        case_id=stem,
                        participant_id=subject,
                        path=str((anat / name).absolute()),
                        mask=_one(found.get(stem, []), name, "lesion masks"),
                        t1c=_one([str((anat / n).absolute()) for n in contrast], name, "ce- T1w"),
                        folder=anat.relative_to(folder).as_posix(),
                        truth=truth(people.get(subject, {}), columns),
                    )
                )
    cases = cases or _dicom(folder, people, columns, found, t1c)
    if not cases:
        raise InputError(
            f"{folder}: no T2w scan in this BIDS folder; expected "
            "sub-*/anat/sub-*_T2w.nii.gz or sub-*/ses-*/anat/sub-*_T2w.nii.gz"
        )
    return cases, columns


def listed(folder: Path) -> list[str]:
    """Return the names in a folder, without hidden ones.

    Raises
    ------
    InputError
        The folder cannot be read.
    """
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror or error}") from error


def _participants(
    folder: Path, wanted: Sequence[str]
) -> tuple[dict[str, Mapping[str, str]], tuple[str, ...]]:
    path = folder / "participants.tsv"
    if not path.exists():
        return {}, ()
    rows = [{key.strip(): clean(value) for key, value in row.items()} for row in read_rows(path)]
    if not rows:
        return {}, ()
    if "participant_id" not in rows[0]:
        raise InputError(f"{path}: no column participant_id")
    people: dict[str, Mapping[str, str]] = {}
    for row in rows:
        name = row["participant_id"]
        name = name if name.startswith("sub-") else f"sub-{name}"
        if name in people:
            raise InputError(f"{path}: {name} is there twice")
        people[name] = row
    return people, carried_columns(rows[0], wanted)


def _anat_folders(subject: Path) -> list[Path]:
    if not subject.is_dir():
        return []
    names = sorted(listed(subject))
    parents = [subject, *(subject / name for name in names if name.startswith("ses-"))]
    return [parent / "anat" for parent in parents if (parent / "anat").is_dir()]


def _dicom(
    folder: Path,
    people: Mapping[str, Mapping[str, str]],
    columns: Sequence[str],
    found: Mapping[str, list[str]],
    t1c: bool,
) -> list[CohortCase]:
    cases = []
    for parent in (folder / "sourcedata", folder / "dicom"):
        names = sorted(listed(parent)) if parent.is_dir() else []
        for subject in (n for n in names if n.startswith("sub-") and (parent / n).is_dir()):
            series = sorted(listed(parent / subject))
            contrast = [n for n in series if t1c and n.startswith("ce-") and n.endswith("_T1w")]
            paths = [str((parent / subject / name).absolute()) for name in contrast]
            masks = [m for stem, m in found.items() if stem.split("_")[0] == subject]
            own = parent / subject / "T2w" if "T2w" in series else parent / subject
            cases.append(
                CohortCase(
                    case_id=subject,
                    participant_id=subject,
                    path=str(own.absolute()),
                    mask=_one([path for group in masks for path in group], subject, "lesion masks"),
                    t1c=_one(paths, subject, "ce- T1w"),
                    folder=f"{subject}/anat",
                    truth=truth(people.get(subject, {}), columns),
                )
            )
    return cases


def _scans(names: Sequence[str]) -> list[str]:
    found = [n for n in names if (image := _IMAGE.fullmatch(n)) and image[2] == "T2w"]
    sagittal = [name for name in found if "_acq-sag" in name.lower()]
    return sagittal or found


def _is_contrast(name: str) -> bool:
    image = _IMAGE.fullmatch(name)
    return image is not None and image[2] == "T1w" and "_ce-" in name


def _lesion_masks(derivatives: Path, out: Path | None) -> dict[str, list[str]]:
    """Return the scans' stems to their lesion masks."""
    found: dict[str, list[str]] = {}
    if not derivatives.is_dir():
        return found

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from error

    for root, folders, names in os.walk(derivatives, onerror=refuse):
        here = Path(root)
        if (here / ".spinalcord").is_dir() or (out is not None and here.resolve() == out.resolve()):
            folders.clear()  # results, which are no reference
            continue
        folders.sort()
        for name in sorted(names):
            image = _IMAGE.fullmatch(name)
            if image and image[2] in ("mask", "dseg") and _LESION.search(image[1]):
                entities = [
                    part
                    for part in image[1].split("_")
                    if not part.startswith(("label-", "desc-", "space-"))
                ]
                found.setdefault("_".join(entities), []).append(str((here / name).absolute()))
    return found


def _one(found: Sequence[str], name: str, what: str) -> str | None:
    if len(found) > 1:
        names = ", ".join(Path(path).name for path in found)
        raise InputError(
            f"{name} has {len(found)} {what} ({names}): name the one to take in a table of cases, "
            'or pass masks="ignore" or t1c=False'
        )
    return found[0] if found else None
