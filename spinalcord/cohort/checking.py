"""Check a cohort before training or running: its contents, and the problems in it."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SpinalcordError, SpinalcordWarning, note_warnings
from ..pictures.mosaic import draw_mosaic
from ..pictures.scene import Scene
from ..run_options import CohortInputs
from ..scans.annotations import Annotation, read_annotation
from ..scans.labels import Label, check_label
from ..scans.preparation import take_scan
from ..scans.volume import Volume
from ..tables.words import SYNONYMS
from ..tasks import DIAGNOSES
from ..wording import counted
from .listing import CohortCase, Listing, list_cohort
from .processing import sentence

COLUMNS = (
    "case_id", "participant_id", "split", "reference_diagnosis", "status", "shape", "spacing_mm",
    "orientation", "contrast", "mask", "n_voxels", "lesion_mm3", "slices_with_lesion",
    "slices_unannotated", "oedema_mm3", "cyst_mm3", "problems", "remarks",
)  # fmt: skip
"""Columns of the table, which has one row per case."""

_SLICES = 6
_PIXELS = 160
_NAMED = 5


@dataclass(frozen=True)
class CheckedCase:
    """A checked case of a cohort.

    Attributes
    ----------
    case : CohortCase
    row : mapping
        Row of the table; see `COLUMNS`.
    problems : tuple of str
        Problems to be fixed, one sentence each, without paths.
    remarks : tuple of str
        Remarks, likewise.
    mosaic : str
        HTML with the slices and outlines; empty if the scan cannot be read.
    content : str
        Digest of the scan's voxels, by which copies are found.
    """

    case: CohortCase
    row: Mapping[str, Any]
    problems: tuple[str, ...]
    remarks: tuple[str, ...]
    mosaic: str = field(repr=False, default="")
    content: str = field(repr=False, default="")


@dataclass(frozen=True)
class CohortCheck:
    """Results of a check.

    Attributes
    ----------
    name : str
        Name of the cohort.
    cases : sequence of CheckedCase
    problems : tuple of str
        Problems of the cohort as a whole: copies, patients in two splits, unknown diagnoses.
    notes : tuple of str
        What was guessed or not used when the cohort was listed.
    """

    name: str
    cases: Sequence[CheckedCase]
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether there is no problem."""
        return not self.problems and not any(checked.problems for checked in self.cases)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        wrong = {c.case.case_id: list(c.problems) for c in self.cases if c.problems}
        return {
            "cohort": self.name,
            "cases": len(self.cases),
            "sound": self.sound,
            "problems": list(self.problems),
            "cases_with_problems": wrong,
            "notes": list(self.notes),
            "counts": {name: dict(counts) for name, counts in self.counts().items()},
        }

    def counts(self) -> dict[str, Counter[str]]:
        """Count cases by diagnosis and split, spacing, orientation, contrast and mask."""
        found: dict[str, Counter[str]] = {
            name: Counter()
            for name in ("diagnosis and split", "spacing", "orientation", "contrast", "mask")
        }
        for checked in self.cases:
            row = checked.row
            known = f"{row['reference_diagnosis'] or 'no diagnosis'}, {row['split'] or 'no split'}"
            found["diagnosis and split"][known] += 1
            for name, column in (("spacing", "spacing_mm"), ("orientation", "orientation")):
                found[name][str(row[column] or "not read")] += 1
            found["contrast"][str(row["contrast"] or "not read")] += 1
            found["mask"][str(row["mask"])] += 1
        return found


def check_cohort(
    cohort: Any,
    *,
    lesion_label: Label = None,
    columns: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    exclude: Any = None,
    progress: bool = False,
) -> CohortCheck:
    """Check every case of a cohort, before any training or run.

    Parameters
    ----------
    cohort : path, DataFrame or sequence of mappings
        As for `spinalcord.run_cohort`.
    lesion_label, columns, words, exclude
        As for `spinalcord.CohortInputs`.
    progress : bool, default False
        Whether to show a bar on standard error, where that is a terminal.

    Returns
    -------
    CohortCheck

    Raises
    ------
    InputError
        A cohort that cannot be listed; an invalid label.

    Examples
    --------
    A missing scan is a problem:

    >>> check = check_cohort([{"case_id": "a", "path": "a.nii.gz", "diagnosis": "MS"}])
    >>> check.sound
    False
    """
    from tqdm import tqdm

    label = check_label(lesion_label)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpinalcordWarning)  # all are noted
        inputs = CohortInputs(exclude=exclude, columns=columns, words=words)
        listing = list_cohort(cohort, inputs)
        shown = tqdm(listing.cases, desc="check", unit="case", disable=None if progress else True)
        checked = [_check_case(case, label) for case in shown]
    return CohortCheck(listing.name, checked, tuple(_whole(listing, checked)), tuple(listing.notes))


def _check_case(case: CohortCase, label: Label) -> CheckedCase:
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    row |= {
        "case_id": case.case_id, "participant_id": case.participant_id, "split": case.split,
        "reference_diagnosis": case.diagnosis, "status": "unreadable",
        "mask": "not found" if case.mask is None else "unusable",
    }  # fmt: skip
    problems: list[str] = []
    with note_warnings() as heard:
        scan = drawn = None
        try:
            scan = take_scan(case.path, series=case.series)
            row |= _describe(scan)
        except (SpinalcordError, OSError) as error:
            problems.append(f"scan: {_plain(case, error).removeprefix('the scan: ')}")
        if case.mask is None:
            if _needs_mask(case):
                problems.append("no mask was found, and the diagnosis says that there is a lesion")
        elif scan is not None:
            try:
                drawn = read_annotation(case.mask, like=scan, label=label, cord=case.cord)
            except (SpinalcordError, OSError) as error:
                problems.append(f"mask: {_plain(case, error).removeprefix('the mask: ')}")
    remarks = [_plain(case, text) for text in heard]
    if drawn is not None and scan is not None:
        problems += drawn.doubts
        remarks = [text for text in remarks if not text.endswith(drawn.doubts or ("\0",))]
        row |= _measure(scan, drawn)
        if not row["n_voxels"] and _needs_mask(case):
            row["mask"] = "empty"
            problems.append("the mask is empty, and the diagnosis says that there is a lesion")
    row |= {"problems": "; ".join(problems), "remarks": "; ".join(remarks)}
    return CheckedCase(
        case, row, tuple(problems), tuple(remarks),
        "" if scan is None else _draw(scan, drawn), "" if scan is None else _content(scan),
    )  # fmt: skip


def _needs_mask(case: CohortCase) -> bool:
    return case.diagnosis in DIAGNOSES


def _describe(scan: Volume) -> dict[str, Any]:
    return {
        "status": "read",
        "shape": " x ".join(str(n) for n in scan.sagittal().shape),
        "spacing_mm": " x ".join(f"{mm:.3g}" for mm in scan.sagittal_spacing_mm),
        "orientation": scan.orientation.codes,
        "contrast": scan.source.details.get("weighting", "not stated"),
    }


def _measure(scan: Volume, drawn: Annotation) -> dict[str, Any]:
    lesion = drawn.lesion.sagittal().array
    n = int(np.count_nonzero(lesion))
    return {
        "mask": "found" if n else "empty",
        "n_voxels": n,
        "lesion_mm3": round(n * scan.voxel_mm3, 1),
        "slices_with_lesion": int(lesion.any(axis=(1, 2)).sum()),
        "slices_unannotated": len(drawn.unannotated),
        **{
            f"{name}_mm3": round(int(volume.array.sum()) * scan.voxel_mm3, 1)
            for name, volume in drawn.others.items()
        },
    }


def _draw(scan: Volume, drawn: Annotation | None) -> str:
    empty = scan.like(np.zeros(scan.shape, np.uint8))
    lesion, cord = (empty, None) if drawn is None else (drawn.lesion, drawn.cord)
    scene = Scene(scan, lesion, cord)
    return draw_mosaic(scene, most=_SLICES, max_side=_PIXELS, height_px=_PIXELS).to_html()


def _content(scan: Volume) -> str:
    """Return a digest of the voxels that is independent of format and storage order."""
    voxels = np.ascontiguousarray(scan.sagittal().array, np.float32)
    return hashlib.sha256(repr(voxels.shape).encode() + voxels.tobytes()).hexdigest()


def _plain(case: CohortCase, error: Any) -> str:
    """Return an error message without paths and file names, which may identify a patient."""
    text = sentence(case, error)
    for path, what in ((case.path, "the scan"), (case.mask, "the mask")):
        if path is not None:
            text = text.replace(Path(path).name, what)
    return text


def _whole(listing: Listing, checked: Sequence[CheckedCase]) -> Iterable[str]:
    """Return the problems of the cohort as a whole."""
    copies: dict[str, list[CheckedCase]] = defaultdict(list)
    for each in checked:
        if each.content:
            copies[each.content].append(each)
    for same in copies.values():
        if len(same) > 1:
            names = ", ".join(each.case.case_id for each in same)
            people = {each.case.participant_id for each in same}
            whose = "of different participants" if len(people) > 1 else "of one participant"
            yield f"the same scan is there {len(same)} times, {whose}: {names}"
    splits: dict[str, set[str]] = defaultdict(set)
    for case in listing.cases:
        if case.split:
            splits[case.participant_id].add(case.split)
    for who, found in splits.items():
        if len(found) > 1:
            yield f"participant {who} is in {len(found)} splits: {', '.join(sorted(found))}"
    diagnoses: dict[str, set[str]] = defaultdict(set)
    for case in listing.cases:
        if case.diagnosis:
            diagnoses[case.participant_id].add(case.diagnosis)
    for who, found in diagnoses.items():
        if len(found) > 1:
            yield f"participant {who} has {len(found)} diagnoses: {', '.join(sorted(found))}"
    yield from _unknown(listing)


def _unknown(listing: Listing) -> Iterable[str]:
    """Return the unknown diagnoses, with similar known ones."""
    known = {*SYNONYMS["diagnosis"]}
    spellings = {w: name for name, all_of in SYNONYMS["diagnosis"].items() for w in all_of}
    given: dict[str, list[str]] = defaultdict(list)
    for case in listing.cases:
        if case.diagnosis and case.diagnosis not in known:
            given[case.diagnosis].append(case.case_id)
    for word, ids in given.items():
        near = get_close_matches(word.casefold(), spellings, 1, 0.7)
        hint = f"; did you mean {spellings[near[0]]}?" if near else ""
        named = ", ".join(ids[:_NAMED]) + ", ..." * (len(ids) > _NAMED)
        yield f"diagnosis {word!r} is not known ({counted(len(ids), 'case')}: {named}){hint}"
