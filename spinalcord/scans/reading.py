"""Read scans and masks: NIfTI, NRRD, MetaImage, and DICOM as a file, a folder or a zip."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..paths import local_path
from . import dicom, itk, nifti
from .labels import Label
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
    >>> import spinalcord as sc
    >>> from spinalcord.scans.writing import save_volume
    >>> phantom = sc.phantom.make_case("MS", 5, region="cervical", kind="2d")
    >>> path = save_volume(phantom.t2, "t2.nii.gz")
    >>> volume = sc.read("t2.nii.gz")
    >>> volume.shape == phantom.t2.shape, volume.orientation.codes
    (True, 'RIP')
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


def read_mask(mask: Any, *, like: Volume, label: Label = None) -> Volume:
    """Read a lesion mask of any kind onto the grid of a scan; see `read_annotation`.

    Parameters
    ----------
    mask : path, Volume, nibabel or SimpleITK image
        Whole numbers; a path also to a ``.seg.nrrd`` of 3D Slicer, a DICOM SEG or RTSTRUCT.
    like : Volume
        The scan.
    label : int, str or mapping, optional
        What is inside: a value, such as 2 where 1 is cord and 2 is lesion; the name of a segment;
        or a map, such as ``{"cord": 1, "lesion": 2}``. If not given, all voxels that are not 0, or
        the segments that are called lesions.

    Returns
    -------
    Volume
        uint8, 0 and 1, in the scan's own storage order.  An empty mask is a mask.

    Warns
    -----
    SpinalcordWarning
        The mask's affine is off by less than a voxel, as after rounding; the mask lies on another
        grid and was resampled; it has several values and no label is given, or values, but not the
        label that is given; it lies outside the patient, or seems to be flipped.

    Raises
    ------
    InputError
        A place that the scan does not show; NaN, or values that are not integers, such as
        probabilities; a label that is none or fits nothing.

    Examples
    --------
    >>> scan = Volume(np.ones((4, 5, 6)), np.diag([2.0, 1.0, 1.0, 1.0]))
    >>> mask = scan.like(np.where(scan.array > 0, np.uint8(2), np.uint8(0)))
    >>> int(read_mask(mask, like=scan, label=2).array.sum())
    120
    """
    from .annotations import read_annotation  # which imports this module

    return read_annotation(mask, like=like, label=label).lesion


def select(array: Any, name: str, value: int | None) -> Any:
    """Return which voxels of a label map are inside.

    Parameters
    ----------
    array : array
        Whole numbers.
    name : str
        Name of the mask, for messages.
    value : int, optional
        Value inside the mask; all values but 0 if not given, with a warning if there are several.

    Returns
    -------
    bool array

    Raises
    ------
    InputError
        NaN, or values that are not integers.
    """
    if array.dtype.kind == "f" and not np.array_equal(array, np.round(array)):
        raise InputError(
            f"{name} contains values that are not integers (or NaN), such as probabilities: "
            "apply a threshold first"
        )
    if not np.isfinite(array.sum(dtype=np.float64)):
        raise InputError(f"{name}: NaN or infinite values in the mask")
    values = np.unique(array[array != 0])
    shown = ", ".join(f"{each:g}" for each in values[:8]) + (" ..." if values[8:].size else "")
    if value is not None:
        if values.size and value not in values:
            warn(f"{name}: no voxel has the value {value}; values besides 0: {shown}")
        return array == value
    if values.size > 1:
        warn(
            f"{name}: {values.size} values besides 0 ({shown}) all count as inside; lesion_label= "
            "or --lesion-label (cord_label=, --cord-label of a cord mask) takes one of them"
        )
    return array != 0
