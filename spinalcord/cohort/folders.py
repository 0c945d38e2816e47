"""List a plain folder as a cohort: scan files at any depth, and folders of DICOM files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import InputError
from .bids import listed
from .listing import CohortCase, file_name

SCANS = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr", ".zip")
"""Endings of files that are a scan each."""

MASKS = (
    "_desc-lesion_mask", "_label-lesion_mask", "_label-lesion_seg", "_label-lesion_dseg",
    "_label-lesion", "_lesion-manual", "_lesion_manual", "_lesion_mask", "_lesion_seg",
    "_lesionseg", "_lesion", "_mask", "_seg", ".seg", "-lesion", "-label", "-mask", "-seg",
)  # fmt: skip
"""Suffix of a mask's name after that of its scan."""


def list_folder(folder: Path, masks: bool, out: Path | None) -> list[CohortCase]:
    """List the scans below a folder.

    Every file in a format of scans is a case, except masks: ``a_mask.nii.gz`` beside ``a.nii.gz``.
    Every folder directly in `folder` that has DICOM files and no other scans is one case, however
    many series it holds.

    Parameters
    ----------
    folder : Path
        Searched at any depth, except hidden folders and results of a run.
    masks : bool
        Whether to use the masks; they are not cases in either event.
    out : Path, optional
        Not searched.

    Returns
    -------
    list of CohortCase
        By name.

    Raises
    ------
    InputError
        An unreadable folder; no scan in it; DICOM files directly in it; several masks of a scan.
    """
    found: list[tuple[Path, str]] = []  # path, case_id
    dicom: list[tuple[Path, str]] = []
    for name in sorted(listed(folder)):
        path = folder / name
        if path.is_dir():
            files, has_dicom = _below(path, out)
            found += [(file, _case_id(file, folder)) for file in files]
            if has_dicom and not files:
                dicom.append((path, file_name(name)))
        elif name.lower().endswith(SCANS):
            found.append((path, _case_id(path, folder)))
        elif _is_dicom(path):
            raise InputError(
                f"{folder}: DICOM files lie in it directly ({name}); give each case a folder of "
                "its own, or name the cases in a table"
            )
    stems = [str(path)[: -len(_ending(path))] for path, _ in found]
    given = {stem: path for stem, (path, _) in zip(stems, found, strict=True)}
    owners = {mask: stem for stem in given for end in MASKS if (mask := stem + end) in given}
    pairs = _masks_of(owners, given) if masks else {}
    cases = [
        CohortCase(
            case_id=case_id,
            participant_id=case_id,
            path=str(path.absolute()),
            mask=pairs.get(stem),
            folder=file_name(case_id),
        )
        for stem, (path, case_id) in zip(stems, found, strict=True)
        if stem not in owners
    ]
    cases += [
        CohortCase(case_id=name, participant_id=name, path=str(path.absolute()), folder=name)
        for path, name in dicom
    ]
    if not cases:
        raise InputError(
            f"{folder}: no scan in it; expected NIfTI, NRRD or MetaImage files, zips, or folders "
            "of DICOM files"
        )
    return sorted(cases, key=lambda case: case.case_id)


def _masks_of(owners: Mapping[str, str], given: Mapping[str, Path]) -> dict[str, str]:
    """Map the stems of scans to their masks; of several, the one named as a lesion mask."""
    found: dict[str, list[Path]] = {}
    for mask, stem in owners.items():
        found.setdefault(stem, []).append(given[mask])
    pairs = {}
    for stem, paths in found.items():
        named = [path for path in paths if "lesion" in path.name[len(Path(stem).name) :].lower()]
        if len(named or paths) > 1:
            names = ", ".join(path.name for path in named or paths)
            raise InputError(
                f"{given[stem].name} has {len(named or paths)} masks beside it ({names}): name the "
                'one to take in a table of cases, or pass masks="ignore"'
            )
        pairs[stem] = str((named or paths)[0].absolute())
    return pairs


def _below(folder: Path, out: Path | None) -> tuple[list[Path], bool]:
    """Return the scan files below a folder, and whether it contains DICOM files."""
    files: list[Path] = []
    has_dicom = False

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from error

    for root, folders, names in os.walk(folder, onerror=refuse):
        here = Path(root)
        if (here / ".spinalcord").is_dir() or (out is not None and here.resolve() == out.resolve()):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            if name.lower().endswith(SCANS):
                files.append(here / name)
            else:
                has_dicom = has_dicom or _is_dicom(here / name)
    return files, has_dicom


def _case_id(path: Path, folder: Path) -> str:
    relative = path.relative_to(folder)
    return file_name("-".join((*relative.parts[:-1], path.name[: -len(_ending(path))])))


def _ending(path: Path) -> str:
    return next(ending for ending in SCANS if path.name.lower().endswith(ending))


def _is_dicom(path: Path) -> bool:
    if path.name.upper() == "DICOMDIR":
        return False
    if path.suffix.lower() in (".dcm", ".dicom", ".ima"):
        return True
    try:
        with open(path, "rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
