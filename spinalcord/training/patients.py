"""List the cases to train on, with files, diagnosis and a split that separates patients."""

from __future__ import annotations

import hashlib
import json
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..cohort.listing import CohortCase, list_cohort
from ..errors import InputError, SpinalcordWarning
from ..run_options import CohortInputs
from ..tables.words import listed_words, unknown_words
from .settings import SEGMENTATION, check_target, classes_of
from .splitting import TEST, TRAIN, VALIDATION, split_cases


def list_cases(
    data: str | os.PathLike[str],
    target: str,
    *,
    seed: int = 0,
    columns: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    carry: Iterable[str] = (),
) -> tuple[list[CohortCase], str]:
    r"""List the cases of a cohort that a target can be trained and validated on.

    Parameters
    ----------
    data : path
        A BIDS folder or a table, as for `spinalcord.run_cohort`.  A table may have the column
        ``cord``; in BIDS the cord mask lies beside the lesion mask and is called ``label-cord``
        (or ``desc-cord``) in place of ``label-lesion``.  A table may have the column ``group``:
        cases that must stay in one split besides those of one patient, such as synthetic lesions
        inserted into the scan of the same person.
    target : str
        "segmentation", a task or "diagnosis": patients with another diagnosis, or without one, are
        excluded.
    seed : int, default 0
        Seed of the split if the cohort has none: a fifth of the patients of each diagnosis
        validate.
    columns, words : mapping, optional
        As for `spinalcord.CohortInputs`.
    carry : iterable of str
        Further columns, which a case's ``truth`` then holds.

    Returns
    -------
    cases : list of CohortCase
        Cases of the splits train and validation; ``truth`` contains the split.
    origin : str
        Origin of the split: "cohort" or "drawn".

    Warns
    -----
    SpinalcordWarning
        Excluded cases, and why; as `spinalcord.run_cohort` of its tables.

    Raises
    ------
    InputError
        As `spinalcord.run_cohort`; a diagnosis with an unknown word, unless segmentation is
        trained; a patient with two diagnoses; a patient or a group in two splits; a split of
        another name or for some cases only; a class or a split without cases.

    Examples
    --------
    >>> rows = ["a,MS,train", "b,NMOSD,train", "c,MS,validation", "d,NMOSD,validation"]
    >>> lines = [f"{row[0]}.nii.gz,{row[0]}_mask.nii.gz,{row}" for row in rows]
    >>> table = ["path,mask,case_id,diagnosis,split", *lines]
    >>> n = Path("cohort.csv").write_text("\n".join(table))
    >>> for row in rows:
    ...     Path(f"{row[0]}.nii.gz").touch()
    ...     Path(f"{row[0]}_mask.nii.gz").touch()
    >>> cases, origin = list_cases("cohort.csv", "ms_vs_nmosd")
    >>> [(case.case_id, case.split) for case in cases]
    [('a', 'train'), ('b', 'train'), ('c', 'validation'), ('d', 'validation')]
    """
    check_target(target)
    name = Path(data).name
    found = _read(Path(data), columns, words, carry)
    check_diagnoses(found, target, name)
    listed, origin = split_cases(found, seed=seed)
    cases = [case for case in listed if case.split != TEST]
    masked = [case for case in cases if case.mask]
    if len(masked) < len(cases):
        _warn_excluded(
            name, len(cases) - len(masked), len(cases),
            "have no lesion mask and are excluded; a scan without lesion needs a mask of zeros",
        )  # fmt: skip
    if target != SEGMENTATION:
        wanted = {word for names in classes_of(target) for word in names}
        others = Counter(case.diagnosis for case in masked if case.diagnosis not in wanted)
        if others:
            counts = Counter({word or "none": n for word, n in others.items()})
            what = f"have another diagnosis than {target} asks for and are excluded: "
            _warn_excluded(name, sum(others.values()), len(masked), what + listed_words(counts))
        masked = [case for case in masked if case.diagnosis in wanted]
    check_classes(masked, target, name)
    return masked, origin


def _warn_excluded(name: str, n: int, among: int, why: str) -> None:
    warnings.warn(f"{name}: {n} of {among} cases {why}", SpinalcordWarning, stacklevel=3)


def check_diagnoses(cases: Sequence[CohortCase], target: str, name: str) -> None:
    """Check that all diagnoses are known and that no patient has two.

    Raises
    ------
    InputError
        An unknown diagnosis, or a patient with two.
    """
    unknown = unknown_words("diagnosis", (case.diagnosis for case in cases))
    if unknown and target != SEGMENTATION:
        raise InputError(
            f"{name}: {sum(unknown.values())} of {len(cases)} cases have an unknown "
            f"diagnosis: {listed_words(unknown)}; correct it, or state its meaning with "
            "words= or --words, as in diagnosis:M.S.=MS"
        )
    given: dict[str, str] = {}
    for case in cases:
        if not case.diagnosis:
            continue
        other = given.setdefault(case.participant_id, case.diagnosis)
        if other != case.diagnosis:
            raise InputError(
                f"{name}: participant {case.participant_id} has the diagnoses {other} and "
                f"{case.diagnosis}: a patient has one"
            )


def check_classes(cases: Iterable[CohortCase], target: str, name: str) -> None:
    """Check that both splits contain cases, of every class of the target.

    Raises
    ------
    InputError
        They do not.
    """
    found = Counter((case.split, case.diagnosis) for case in cases)
    for split in (TRAIN, VALIDATION):
        if not any(key[0] == split for key in found):
            raise InputError(f"{name}: no case of split {split} to train {target} with")
        for names in () if target == SEGMENTATION else classes_of(target):
            if not any(found[split, diagnosis] for diagnosis in names):
                raise InputError(
                    f"{name}: no case of split {split} with diagnosis {' or '.join(names)}, "
                    f"which {target} needs"
                )


def _read(
    data: Path,
    columns: Mapping[str, str] | None,
    words: Mapping[str, Mapping[str, str]] | None,
    carry: Iterable[str],
) -> list[CohortCase]:
    inputs = CohortInputs(masks="use", columns=columns, words=words, carry=carry)
    listing = list_cohort(data, inputs)
    if not data.is_dir():
        return list(listing.cases)
    return [replace(case, cord=_cord_beside(case)) for case in listing.cases]


def _cord_beside(case: CohortCase) -> str | None:
    """Return the cord mask beside a lesion mask, if there is one."""
    if case.mask is None:
        return None
    mask = Path(case.mask)
    beside = mask.with_name(re.sub(r"(label|desc)-lesion", r"\1-cord", mask.name))
    return str(beside) if beside != mask and beside.is_file() else None


def fingerprint(cases: Sequence[CohortCase], target: str) -> str:
    """Return a checksum of the cases and their labels: resuming requires the same ones."""
    rows = sorted((c.case_id, c.participant_id, c.diagnosis, c.split) for c in cases)
    return hashlib.sha256(json.dumps([target, rows]).encode()).hexdigest()


def make_notice(data: Path) -> str:
    """Return the notice that every result of the model repeats, with that of the cohort."""
    said = ""
    about = data / "dataset_description.json"
    if data.is_dir() and about.is_file():
        try:
            said = str(json.loads(about.read_text(encoding="utf-8")).get("Notice", ""))
        except (ValueError, AttributeError):
            said = ""
    trained = f"trained on the cohort {data.resolve().name}"
    trained += f" ({said.rstrip('.')})" if said else ""
    return f"{trained}; not validated elsewhere, not for clinical use"
