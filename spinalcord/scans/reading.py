"""Read scans and masks: NIfTI, NRRD, MetaImage, and DICOM as a file, a folder or a zip."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..paths import local_path
from .orientation import corner_displacement_mm
from .volume import Volume, check_scan, warn


def read(path: str | os.PathLike[str], *, series: str | None = None) -> Volume:
    """Read a scan and check that it can be a sagittal scan of the spinal cord.

    Parameters
    ----------
    path : path
        NIfTI (.nii, .nii.gz, .hdr/.img), NRRD, MetaImage; DICOM as a file, a folder (with all
        its subfolders) or a zip.  One file of a classic DICOM series stands for that series in
        its folder; one multi-frame file stands for itself.
    series : str, optional
        SeriesInstanceUID of the DICOM series to take.  Without it a sagittal T2-weighted one is
        preferred; if two are equally good, a SeriesError lists them.

    Returns
    -------
    Volume
        Voxels as stored, rescaled where the file says so, with the affine to RAS+ millimetres.

    Warns
    -----
    SpinalcordWarning
        Usable with a reservation: qform and sform disagree, a sheared grid, what looks like a
        mask, slightly uneven gaps, copies or damaged files ignored, a series that does not look
        T2-weighted.

    Raises
    ------
    InputError
        Missing, damaged or unknown file; 4-D, colour, constant, NaN; fewer than three slices;
        coarser than 3 mm head to foot or front to back.
    SeriesError
        No usable DICOM series, or several; the message lists them with their reasons.

    Examples
    --------
    >>> volume = read("t2.nii.gz")  # doctest: +SKIP
    >>> volume = read("dicom/", series="1.2.840...")  # doctest: +SKIP
    """
    volume = load(path, series=series)
    check_scan(volume)
    return volume


def load(path: str | os.PathLike[str], *, series: str | None = None) -> Volume:
    """Read a volume as `read` does, without checking its content; for masks and maps.

    Parameters, returned value and errors as in `read`, save that a constant, coarse or thin
    volume is taken.
    """
    path = local_path(path)
    if path.is_symlink() and not path.exists():
        hint = ""
        if "annex/objects" in os.readlink(path):
            hint = f": a git-annex link without its content; 'git annex get {path.name}' fetches it"
        raise InputError(f"{path}: the link points to nothing{hint}")
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if not path.is_file() and not path.is_dir():
        raise InputError(f"{path}: a device, pipe or socket, not a file or folder")
    try:
        return _load(path, series)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def _load(path: Path, series: str | None) -> Volume:
    from . import dicom, itk, nifti

    name = path.name.lower()
    if path.is_dir():
        return dicom.read_dicom(path, series=series)
    with open(path, "rb") as file:
        if file.read(132)[128:] == b"DICM":  # whatever it is called: some export *.img
            return dicom.read_dicom(path, series=series)
    if name.endswith(nifti.SUFFIXES):
        return _no_series(path, series, nifti.read_nifti(path))
    if name.endswith(itk.SUFFIXES):
        return _no_series(path, series, itk.read_itk(path))
    if os.path.getsize(path) == 0:
        raise InputError(f"{path}: the file is empty")
    if name.endswith(".zip") or zipfile.is_zipfile(path):
        return dicom.read_zip(path, series=series)
    return dicom.read_dicom(path, series=series)


def _no_series(path: Path, series: str | None, volume: Volume) -> Volume:
    if series is not None:
        raise InputError(f"{path}: series= chooses among DICOM series; this is not DICOM")
    return volume


def read_mask(mask: Any, *, like: Volume, label: int | None = None) -> Volume:
    """Read a mask and check that it lies on the grid of a scan.

    Parameters
    ----------
    mask : path, Volume, nibabel or SimpleITK image
        Whole numbers.
    like : Volume
        The scan.
    label : int, optional
        Value of the voxels that are inside, such as 2 where 1 is cord and 2 is lesion. If not
        given, all voxels that are not 0 are inside.

    Returns
    -------
    Volume
        uint8, 0 and 1, in the scan's own storage order.  An empty mask is a mask.

    Warns
    -----
    SpinalcordWarning
        The mask's affine is off by less than a voxel, as after rounding; it has several values
        and no label is given, or values, but not the label that is given.

    Raises
    ------
    InputError
        Not the same voxels at the same places (any storage order is taken); NaN, or values that
        are no whole numbers, such as probabilities; a label below 1.

    Examples
    --------
    >>> scan = Volume(np.ones((4, 5, 6)), np.diag([2.0, 1.0, 1.0, 1.0]))
    >>> mask = scan.like(np.where(scan.array > 0, np.uint8(2), np.uint8(0)))
    >>> int(read_mask(mask, like=scan, label=2).array.sum())
    120
    """
    volume = load(mask) if isinstance(mask, (str, os.PathLike)) else Volume.from_any(mask)
    return to_grid(volume, like, label)


def to_grid(mask: Volume, like: Volume, label: int | None = None) -> Volume:
    """Convert a mask in any storage order to the storage order of a scan; see `read_mask`."""
    name = "the mask" if mask.source.path is None else str(mask.source.path)
    inside = _inside(mask.array, name, check_label(label))
    theirs = mask.like(inside.astype(np.uint8)).sagittal()
    ours = like.sagittal()
    smallest = min(like.spacing_mm)
    moved = float("inf")
    if ours.shape == theirs.shape:
        moved = corner_displacement_mm(ours.affine, theirs.affine, ours.shape)
    if moved > smallest:
        raise InputError(
            f"{name}: not on the scan's grid: {mask.shape} voxels of {_mm(mask)} mm, the scan "
            f"has {like.shape} of {_mm(like)} mm, or they lie elsewhere in the patient"
        )
    if moved > 0.1 * smallest:
        warn(
            f"{name}: its affine is off the scan's by up to {moved:.2g} mm (rounded, it seems); "
            "it is taken voxel by voxel"
        )
    flips = tuple(slice(None, None, -1 if flip else 1) for flip in like.orientation.flips)
    stored = theirs.array[flips].transpose(np.argsort(like.orientation.permutation))
    return like.like(np.ascontiguousarray(stored))


def check_label(label: Any) -> int | None:
    """Check the label of lesion voxels in a mask.

    Raises
    ------
    InputError
        It is no whole number of at least 1.

    Examples
    --------
    >>> check_label(2)
    2
    """
    if label is None:
        return None
    whole = isinstance(label, (int, np.integer)) and not isinstance(label, bool)
    if not whole or label < 1:
        raise InputError(f"a label is a whole number of at least 1, got {label!r}")
    return int(label)


def _inside(array: Any, name: str, label: int | None) -> Any:
    """Return which voxels of a mask are inside."""
    if array.dtype.kind == "f" and not np.array_equal(array, np.round(array)):
        raise InputError(
            f"{name} contains values that are no whole numbers (or NaN), such as probabilities: "
            "apply a threshold first"
        )
    if not np.isfinite(array.sum(dtype=np.float64)):
        raise InputError(f"{name}: NaN or infinite values in the mask")
    values = np.unique(array[array != 0])
    shown = ", ".join(f"{value:g}" for value in values[:8]) + (" ..." if values[8:].size else "")
    if label is not None:
        if values.size and label not in values:
            warn(f"{name}: no voxel has the value {label}; values besides 0: {shown}")
        return array == label
    if values.size > 1:
        warn(
            f"{name}: {values.size} values besides 0 ({shown}) all count as inside; lesion_label= "
            "or --lesion-label (cord_label=, --cord-label of a cord mask) takes one of them"
        )
    return array != 0


def _mm(volume: Volume) -> str:
    return " x ".join(f"{mm:.4g}" for mm in volume.spacing_mm)
