"""List a BIDS folder as a cohort: T2w scans, masks in derivatives, and participants.tsv.

References
----------
.. [1] https://bids-specification.readthedocs.io, "Magnetic Resonance Imaging", "Imaging data types"
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError, SpinalcordWarning
from ..run_options import CohortInputs
from ..scans.writing import result_stem
from ..tables import Vocabulary, read_table
from ..tables.reading import read_text
from ..tables.words import SYNONYMS
from .listing import COLUMNS, CohortCase, carried_columns, truth
from .mask_names import CONTRAST, ScanName, parse_name

IMAGES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr")
"""Endings of files in derivatives that are spoken of where they are not used."""


@dataclass
class _People:
    """Contents of participants.tsv."""

    rows: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def truth(self, subject: str) -> dict[str, str]:
        return truth(self.rows.get(subject, {}), self.columns)

    def site(self, subject: str) -> str:
        return self.rows.get(subject, {}).get("site", "")


@dataclass
class _Masks:
    """The files in ``derivatives`` with lesion in their names."""

    found: list[tuple[Path, ScanName | None]] = field(default_factory=list)
    used: set[Path] = field(default_factory=set)

    def of_scan(self, name: str) -> str | None:
        """Return the mask of a scan; raise InputError if there are several."""
        scan = parse_name(name)
        return self._one([p for p, m in self.found if m and scan and m.fits(scan.entities)], name)

    def of_subject(self, subject: str) -> str | None:
        """Return the mask of a subject's only scan; raise InputError if there are several."""
        sub = ("sub", subject.removeprefix("sub-"))
        own = [p for p, m in self.found if m and sub in m.entities and m.fits(m.entities)]
        return self._one(own, subject)

    def _one(self, own: list[Path], name: str) -> str | None:
        self.used.update(own)
        return _one([str(path.absolute()) for path in own], name, "lesion masks")

    def notes(self, folder: Path) -> tuple[str, ...]:
        """Return notes on files that were found but are not used."""
        unused = [path for path, _ in self.found if path not in self.used]
        if not unused:
            return ()
        shown = ", ".join(path.name for path in unused[:5])
        more = f" and {len(unused) - 5} more" if len(unused) > 5 else ""
        return (
            f"{folder.name}: {len(unused)} files in derivatives have lesion in their name and are "
            f"not used, as they fit no T2w case, lie in another space, or are no masks: {shown}"
            f"{more}",
        )


def is_bids(folder: Path) -> bool:
    """Return whether a folder follows BIDS: it has participants.tsv or folders ``sub-*``."""
    return (folder / "participants.tsv").is_file() or any(
        name.startswith("sub-") and (folder / name).is_dir() for name in listed(folder)
    )


def list_bids(
    folder: Path, inputs: CohortInputs, out: Path | None = None
) -> tuple[list[CohortCase], tuple[str, ...], tuple[str, ...]]:
    """List the T2w scans of a BIDS folder.

    If a folder ``anat`` has scans with ``acq-sag...``, only these are cases. Without NIfTI files,
    DICOM files are searched for in ``sourcedata/sub-*`` and ``dicom/sub-*``: in their subfolders
    ``T2w`` and ``ce-*_T1w`` if these exist, else in the whole folder.

    Parameters
    ----------
    folder : Path
        The dataset.
    inputs : CohortInputs
        Whether to look for lesion masks in ``derivatives`` and for ``ce-*_T1w`` scans, and how
        participants.tsv is understood.
    out : Path, optional
        Not searched for masks, nor is any other output folder of a run.

    Returns
    -------
    cases : list of CohortCase
    columns : tuple of str
        Columns of participants.tsv that are copied.
    notes : tuple of str
        What was guessed, or found but not used.

    Warns
    -----
    SpinalcordWarning
        For each note.

    Raises
    ------
    InputError
        An unreadable folder; no T2w scan; several masks for one scan; a participants.tsv
        that is no table, or without the column participant_id.
    """
    people = _participants(folder, inputs)
    ignored = inputs.masks == "ignore"
    masks = _Masks() if ignored else _lesion_masks(folder / "derivatives", out)
    cases = []
    for subject in sorted(name for name in listed(folder) if name.startswith("sub-")):
        for anat in _anat_folders(folder / subject):
            names = sorted(listed(anat))
            contrast = [name for name in names if inputs.t1c and _is_contrast(name)]
            for name in _scans(names):
                cases.append(
                    CohortCase(
                        case_id=result_stem(name),
                        participant_id=subject,
                        path=str((anat / name).absolute()),
                        mask=masks.of_scan(name),
                        t1c=_one([str((anat / n).absolute()) for n in contrast], name, "ce- T1w"),
                        folder=anat.relative_to(folder).as_posix(),
                        truth=people.truth(subject),
                        site=people.site(subject),
                    )
                )
    cases = cases or _dicom(folder, people, masks, inputs.t1c)
    if not cases:
        raise InputError(
            f"{folder}: no T2w scan in this BIDS folder; expected "
            "sub-*/anat/sub-*_T2w.nii.gz or sub-*/ses-*/anat/sub-*_T2w.nii.gz"
        )
    notes = (*_unmatched(people, cases), *masks.notes(folder))
    for note in notes:
        warnings.warn(note, SpinalcordWarning, stacklevel=3)
    return cases, people.columns, (*people.notes, *notes)


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


def _participants(folder: Path, inputs: CohortInputs) -> _People:
    path = folder / "participants.tsv"
    if not path.exists():
        return _People()
    wanted = tuple(inputs.carry)
    table = read_table(path, known=(*COLUMNS, *wanted), columns=inputs.columns)
    if not table.columns or not table.rows:
        return _People(notes=table.notes)
    table.need("participant_id")
    words = {**_levels(folder / "participants.json", inputs.columns)}
    for kind, own in (inputs.words or {}).items():
        words[kind] = {**words.get(kind, {}), **own}
    table = Vocabulary(words).spell(table)
    people: dict[str, Mapping[str, str]] = {}
    for number, row in enumerate(table.dicts()):
        name = row["participant_id"]
        if not name:
            raise InputError(f"{table.where(number, 'participant_id')}: no participant_id")
        name = name if name.startswith("sub-") else f"sub-{name}"
        if name in people:
            raise InputError(f"{table.where(number, 'participant_id')}: {name} occurs twice")
        people[name] = row
    return _People(people, carried_columns(table.columns, wanted), table.notes)


def _levels(path: Path, columns: Mapping[str, str] | None) -> dict[str, dict[str, str]]:
    """Return the coding of sex and diagnosis that participants.json states under Levels."""
    if not path.is_file():
        return {}
    try:
        about = json.loads(read_text(path))
    except ValueError as error:
        raise InputError(f"{path}: cannot be read as JSON: {error}") from error
    named = {str(name).casefold(): value for name, value in about.items()}
    out: dict[str, dict[str, str]] = {}
    for kind in ("sex", "diagnosis"):
        column = named.get((columns or {}).get(kind, kind).casefold())
        levels = column.get("Levels") if isinstance(column, dict) else None
        for word, said in levels.items() if isinstance(levels, dict) else ():
            text = said.get("Description", "") if isinstance(said, dict) else said
            (meaning,) = Vocabulary().read(kind, [str(text)])
            if meaning in SYNONYMS[kind]:
                out.setdefault(kind, {})[str(word)] = meaning
    return out


def _unmatched(people: _People, cases: Iterable[CohortCase]) -> tuple[str, ...]:
    """Return notes on subjects that are only in participants.tsv or only in the folder."""
    if not people.rows:
        return ()
    here = {case.participant_id for case in cases}
    notes = []
    for who, what in (
        (sorted({*people.rows} - here), "participants of participants.tsv have no T2w scan here"),
        (sorted(here - {*people.rows}), "participants with a T2w scan are not in participants.tsv"),
    ):
        if who:
            notes.append(f"{len(who)} {what}: {', '.join(who[:5])}{' ...' if who[5:] else ''}")
    return tuple(notes)


def _anat_folders(subject: Path) -> list[Path]:
    if not subject.is_dir():
        return []
    names = sorted(listed(subject))
    parents = [subject, *(subject / name for name in names if name.startswith("ses-"))]
    return [parent / "anat" for parent in parents if (parent / "anat").is_dir()]


def _dicom(folder: Path, people: _People, masks: _Masks, t1c: bool) -> list[CohortCase]:
    cases = []
    for parent in (folder / "sourcedata", folder / "dicom"):
        names = sorted(listed(parent)) if parent.is_dir() else []
        for subject in (n for n in names if n.startswith("sub-") and (parent / n).is_dir()):
            series = sorted(listed(parent / subject))
            contrast = [n for n in series if t1c and n.startswith("ce-") and n.endswith("_T1w")]
            paths = [str((parent / subject / name).absolute()) for name in contrast]
            own = parent / subject / "T2w" if "T2w" in series else parent / subject
            cases.append(
                CohortCase(
                    case_id=subject,
                    participant_id=subject,
                    path=str(own.absolute()),
                    mask=masks.of_subject(subject),
                    t1c=_one(paths, subject, "ce- T1w"),
                    folder=f"{subject}/anat",
                    truth=people.truth(subject),
                    site=people.site(subject),
                )
            )
    return cases


def _scans(names: Sequence[str]) -> list[str]:
    found = [
        name
        for name in names
        if name.endswith((f"_{CONTRAST}.nii", f"_{CONTRAST}.nii.gz"))
        and (scan := parse_name(name)) is not None
        and scan.contrast == CONTRAST
        and not scan.is_lesion
    ]
    sagittal = [name for name in found if "_acq-sag" in name.lower()]
    return sagittal or found


def _is_contrast(name: str) -> bool:
    scan = parse_name(name)
    return scan is not None and scan.contrast == "T1w" and any(k == "ce" for k, _ in scan.entities)


def _lesion_masks(derivatives: Path, out: Path | None) -> _Masks:
    """Find files with lesion in their names."""
    masks = _Masks()
    if not derivatives.is_dir():
        return masks

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from error

    for root, folders, names in os.walk(derivatives, onerror=refuse):
        here = Path(root)
        if (here / ".spinalcord").is_dir() or (out is not None and here.resolve() == out.resolve()):
            folders.clear()  # results of a run are not references
            continue
        folders.sort()
        masks.found += [
            (here / name, parse_name(name))
            for name in sorted(names)
            if "lesion" in name.lower() and name.lower().endswith(IMAGES)
        ]
    return masks


def _one(found: Sequence[str], name: str, what: str) -> str | None:
    if len(found) > 1:
        names = ", ".join(Path(path).name for path in found)
        raise InputError(
            f"{name} has {len(found)} {what} ({names}): name the one to take in a table of cases, "
            'or pass masks="ignore" or t1c=False'
        )
    return found[0] if found else None
