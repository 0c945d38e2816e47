"""A cohort of phantoms as a BIDS dataset: scans, masks, participants, readers, splits."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import InputError
from ..paths import local_path
from ..scans.volume import Volume
from ..scans.writing import save_volume, write_bytes, write_json
from ..threads import limited_threads
from .case import NOTICE, VISIBLE, Case, make_case
from .dicom_series import save_series
from .lesion_geometry import DIAGNOSES, check_visible, draw_style
from .simulated_readers import draw_calls, is_difficult

# Cases by split and diagnosis (in the order of DIAGNOSES), as in the letter: 392 + 98, test 157.
LETTER = {"train": (94, 104, 81, 113), "validation": (24, 26, 20, 28), "test": (34, 45, 33, 45)}
FORMATS = ("nifti", "dicom")
LESION_FREE_IN = ("test", "all")
# Mean and SD of age, and share of women, from series of adults; see `lesion_geometry`.
_PEOPLE = {
    "astrocytoma": (36, 14, 9 / 28), "ependymoma": (43, 14, 0.5), "MS": (37, 11, 0.74),
    "NMOSD": (46, 15, 0.89), "none": (42, 14, 0.5),
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """Specification of one case of a cohort."""

    name: str
    diagnosis: str
    split: str
    age: int
    sex: str
    difficulty: float
    seed: np.random.SeedSequence


_Task = tuple[Plan, Path, str, dict[str, Any]]


def make_cohort(
    n: int | None,
    seed: int,
    out: str | os.PathLike[str],
    *,
    format: str = "nifti",
    difficulty: float = 0.5,
    lesion_free: int = 0,
    lesion_free_in: str = "test",
    split: str | None = None,
    n_readers: int = 7,
    t1c: bool = False,
    random_contrast: float = 0.0,
    style: str = "mixed",
    visible: float = VISIBLE,
    jobs: int = 1,
    progress: bool = True,
) -> Path:
    """Write a cohort of synthetic cases to disk as a BIDS dataset.

    The result does not depend on the number of processes.

    Parameters
    ----------
    n : int or None
        Number of cases with lesions, with the letter's proportions of diagnoses and splits.
        None makes the letter's 647: 392 train, 98 validation and 157 test.
    seed : int
        Equal seeds and options give equal cohorts.
    out : path
        Output folder; created if absent, must be empty.
    format : {'nifti', 'dicom'}, default 'nifti'
        Format of the scans.  Masks are always NIfTI, on the grid of the scans.
    difficulty : float, default 0.5
        Mean difficulty; cases vary around it with a standard deviation of 0.15.
    lesion_free : int, default 0
        Number of additional cases without lesions (diagnosis n/a, empty masks).
    lesion_free_in : {'test', 'all'}, default 'test'
        Split of the lesion-free cases: test, or all splits in proportion to their cases with
        lesions.  The images are the same either way.
    split : {'train', 'validation', 'test'}, optional
        Make only the cases of this split.  They equal those of the whole cohort, including the
        simulated readers.
    n_readers : int, default 7
        Number of simulated readers in participants.tsv.
    t1c : bool, default False
        Make contrast-enhanced T1w scans as well.
    random_contrast : float, default 0
        Fraction of cases with random tissue contrast (domain randomisation).
    style : {'mixed', 'ellipsoids', 'contours', 'chains'}, default 'mixed'
        How lesions are drawn, as in `make_case`.
    visible : float, default 0.40
        Share of a voxel that a lesion must fill somewhere to leave a mask.
    jobs : int, default 1
        Number of processes.  A script that uses more than one needs
        ``if __name__ == "__main__":`` around the call.
    progress : bool, default True
        Show a progress bar on a terminal.

    Returns
    -------
    Path
        `out`.  participants.tsv is written last, so that a folder that contains it is complete.

    Raises
    ------
    InputError
        If `out` exists and is not an empty folder, or if an option has a value that is not
        listed or lies outside its range.

    Examples
    --------
    >>> import tempfile
    >>> from spinalcord.phantom import make_cohort
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     out = make_cohort(1, seed=1, out=folder, progress=False)
    ...     sorted(path.name for path in out.glob("sub-*"))
    ['sub-0001']
    """
    folder = local_path(out)
    check_visible(visible)
    _check(n, format, difficulty, lesion_free, lesion_free_in, random_contrast, jobs)
    draw_style(np.random.default_rng(0), style)
    if split is not None and split not in LETTER:
        raise InputError(f"split {split!r}: one of {', '.join(LETTER)} is expected")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: exists and is not an empty folder; name a new one")
    plans = draw_plans(
        n, seed, difficulty=difficulty, lesion_free=lesion_free, lesion_free_in=lesion_free_in
    )
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    ill = [plan for plan in plans if plan.diagnosis != "none"]
    hardness = np.array([plan.difficulty for plan in ill])
    calls = draw_calls(rng, [plan.diagnosis for plan in ill], hardness, n_readers=n_readers)
    random = rng.uniform(size=len(plans)) < random_contrast
    _describe(folder, seed, n_readers)
    tasks = [
        (
            plan,
            folder,
            format,
            {"t1c": t1c, "random_contrast": bool(r), "style": style, "visible": visible},
        )
        for plan, r in zip(plans, random, strict=True)
        if split in (None, plan.split)
    ]
    _run(tasks, jobs, progress)
    by_name = dict(zip((plan.name for plan in ill), calls, strict=True))
    _participants(folder, [task[0] for task in tasks], by_name, n_readers)
    return folder


def draw_plans(
    n: int | None, seed: int, *, difficulty: float = 0.5, lesion_free: int = 0,
    lesion_free_in: str = "test",
) -> list[Plan]:  # fmt: skip
    """Draw who is in the cohort, in random order.

    Parameters
    ----------
    n, seed, difficulty, lesion_free, lesion_free_in
        As in `make_cohort`.

    Returns
    -------
    list of Plan
    """
    cells = [(split, name) for split in LETTER for name in DIAGNOSES]
    counts = _shares(np.concatenate([LETTER[split] for split in LETTER]), n)
    wanted = [cell for cell, count in zip(cells, counts, strict=True) for _ in range(count)]
    free = _shares([sum(LETTER[split]) for split in LETTER], lesion_free)
    if lesion_free_in == "test":
        free = [lesion_free if split == "test" else 0 for split in LETTER]
    wanted += [(split, "none") for split, count in zip(LETTER, free, strict=True)
               for _ in range(count)]  # fmt: skip
    root = np.random.SeedSequence(seed, spawn_key=(0,))
    rng = np.random.default_rng(root)
    order = rng.permutation(len(wanted))
    plans = []
    for number, (k, child) in enumerate(zip(order, root.spawn(len(wanted)), strict=True), 1):
        split, name = wanted[k]
        mean, sd, women = _PEOPLE[name]
        age = int(np.clip(round(rng.normal(mean, sd)), 18, 85))
        sex = "F" if rng.uniform() < women else "M"
        own = float(np.clip(rng.normal(difficulty, 0.15), 0, 1))
        plans.append(Plan(f"sub-{number:04d}", name, split, age, sex, round(own, 3), child))
    return plans


def _shares(counts: Any, n: int | None) -> list[int]:
    """Scale counts to a sum of n, by largest remainders."""
    if n is None:
        return [int(count) for count in counts]
    exact = np.asarray(counts) * (n / np.sum(counts))
    whole = np.floor(exact).astype(int)
    for k in np.argsort(whole - exact, kind="stable")[: n - int(whole.sum())]:
        whole[k] += 1
    return [int(count) for count in whole]


def _check(
    n: int | None, format: str, difficulty: float, lesion_free: int, lesion_free_in: str,
    random_contrast: float, jobs: int,
) -> None:  # fmt: skip
    if n is not None and n < 1:
        raise InputError(f"a cohort of {n} cases: at least one is expected")
    if format not in FORMATS:
        raise InputError(f"format {format!r}: 'nifti' or 'dicom' is expected")
    if not 0 <= difficulty <= 1 or not 0 <= random_contrast <= 1:
        raise InputError(
            f"difficulty {difficulty}, random_contrast {random_contrast}: numbers from 0 to 1"
        )
    if lesion_free_in not in LESION_FREE_IN:
        raise InputError(f"lesion_free_in {lesion_free_in!r}: 'test' or 'all' is expected")
    if lesion_free < 0 or jobs < 1:
        raise InputError(f"{lesion_free} cases without lesion, {jobs} jobs: too few")


def _run(tasks: list[Any], jobs: int, progress: bool) -> None:
    from tqdm import tqdm

    def done() -> Iterator[Any]:
        if jobs == 1:
            yield from map(_make_one, tasks)
            return
        # Spawn processes: threads of the caller's libraries do not survive a fork.
        new = get_context("spawn")
        with limited_threads(1), ProcessPoolExecutor(jobs, mp_context=new) as pool:
            yield from pool.map(_make_one, tasks)

    silent = None if progress else True
    for _ in tqdm(done(), desc="phantoms", unit="case", total=len(tasks), disable=silent):
        pass


def _make_one(task: _Task) -> None:
    """Create and write one case; age and sex of the anatomy are not those of the patient."""
    plan, folder, format, options = task
    case = make_case(
        None if plan.diagnosis == "none" else plan.diagnosis, plan.seed,
        difficulty=plan.difficulty, orientation="PIR", **options,
    )  # fmt: skip
    stem = f"{plan.name}_acq-sag"
    truth = folder / "derivatives" / "truth" / plan.name / "anat"
    _write_scans(case, plan, folder, format)
    save_volume(case.lesion, truth / f"{stem}_label-lesion_mask.nii.gz")
    save_volume(case.cord, truth / f"{stem}_label-cord_mask.nii.gz")
    write_json(truth / f"{stem}_desc-phantom.json", {**case.parameters, "levels": case.levels})


def _write_scans(case: Case, plan: Plan, folder: Path, format: str) -> None:
    stem = f"{plan.name}_acq-sag"
    scans = {"T2w": case.t2} if case.t1c is None else {"T2w": case.t2, "ce-gd_T1w": case.t1c}
    for suffix, volume in scans.items():
        settings = _settings(case, suffix)
        if format == "dicom":
            save_series(volume, folder / "dicom" / plan.name / suffix, plan.name, suffix, settings,
                        entropy=int(plan.seed.generate_state(1, np.uint64)[0]))  # fmt: skip
            continue
        anat = folder / plan.name / "anat"
        _save_scan(volume, anat / f"{stem}_{suffix}.nii.gz")
        write_json(anat / f"{stem}_{suffix}.json", settings)


def _settings(case: Case, suffix: str) -> dict[str, Any]:
    """Return the acquisition parameters as BIDS metadata."""
    protocol = case.parameters["protocol"]
    t2w = suffix == "T2w"
    return {
        "Modality": "MR",
        "MagneticFieldStrength": protocol["field_t"],
        "RepetitionTime": round(protocol["tr_ms" if t2w else "t1_tr_ms"] / 1000, 4),
        "EchoTime": round(protocol["te_ms" if t2w else "t1_te_ms"] / 1000, 5),
        "EchoTrainLength": protocol["etl"] if t2w else 1,
        "SliceThickness": round(protocol["thickness_mm"], 3),
        "SpacingBetweenSlices": round(protocol["thickness_mm"] + protocol["gap_mm"], 3),
        "BodyPartExamined": "SPINE",
        "Notice": NOTICE,
    }


def _save_scan(volume: Volume, path: Path) -> None:
    """Write a scan as int16, which `save_volume` would convert to a wider type."""
    import nibabel

    cls: Any = nibabel.Nifti1Image
    image = cls(volume.array, volume.affine)
    image.header.set_xyzt_units("mm")
    write_bytes(path, gzip.compress(image.to_bytes(), 4, mtime=0))


def _describe(folder: Path, seed: int, n_readers: int) -> None:
    made = [{"Name": "spinalcord", "Version": __version__}]
    common = {"BIDSVersion": "1.9.0", "GeneratedBy": made, "Notice": NOTICE, "Seed": seed}
    write_json(folder / "dataset_description.json",
               {"Name": "Synthetic spinal cord MRI", "DatasetType": "raw", **common})  # fmt: skip
    write_json(folder / "derivatives" / "truth" / "dataset_description.json",
               {"Name": "What was drawn", "DatasetType": "derivative", **common})  # fmt: skip
    columns = {
        "age": {"Description": "years; by diagnosis, not seen in the image", "Units": "year"},
        "sex": {"Description": "F or M; by diagnosis, not seen in the image"},
        "diagnosis": {"Description": "what was drawn; n/a: no lesion"},
        "split": {"Description": "train, validation or test"},
        "difficulty": {"Description": "of the phantom, 0 to 1"},
        "difficult": {"Description": "fewer than five of seven simulated readers agree"},
    }
    for k in range(1, n_readers + 1):
        columns[f"reader_{k}"] = {"Description": "diagnosis of a simulated reader"}
    write_json(folder / "participants.json", columns)
    text = f"{NOTICE}.\nMade by spinalcord {__version__}, seed {seed}.\n"
    write_bytes(folder / "README", text.encode())


def _participants(
    folder: Path, plans: list[Plan], calls: dict[str, list[str]], n_readers: int
) -> None:
    readers = [f"reader_{k}" for k in range(1, n_readers + 1)]
    lines = [["participant_id", "age", "sex", "diagnosis", "split", "difficulty", "difficult",
              *readers]]  # fmt: skip
    for plan in plans:
        own = calls.get(plan.name)
        diagnosis = "n/a" if own is None else plan.diagnosis
        difficult = "n/a" if own is None else str(is_difficult(own)).lower()
        figures = [str(plan.age), plan.sex, diagnosis, plan.split, f"{plan.difficulty:g}"]
        lines.append([plan.name, *figures, difficult, *(own or ["n/a"] * n_readers)])
    text = "\n".join("\t".join(line) for line in lines) + "\n"
    write_bytes(folder / "participants.tsv", text.encode())
