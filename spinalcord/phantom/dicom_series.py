"""Write a phantom as a DICOM series: one MR file per sagittal slice, with SimpleITK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..scans.volume import Volume

_MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"


def save_series(
    volume: Volume,
    folder: Path,
    patient: str,
    description: str,
    settings: dict[str, Any],
    *,
    entropy: int,
) -> Path:
    """Write a volume as a series.

    Parameters
    ----------
    volume : Volume
        int16 or uint16, stored along (P, I, R): what reading the series gives back.
    folder : Path
        Made if absent.
    patient : str
        Patient's name and ID.
    description : str
        Description of the series.
    settings : dict
        RepetitionTime and EchoTime in seconds, SliceThickness, ...; BIDS names.
    entropy : int
        UIDs are made from it: the same number and description give the same UIDs.

    Returns
    -------
    Path
        `folder`.

    Raises
    ------
    InputError
        Another orientation or data type.
    """
    import SimpleITK as sitk

    if volume.orientation.codes != "PIR" or volume.array.dtype not in (np.int16, np.uint16):
        raise InputError(
            f"a {volume.orientation.codes} volume of {volume.array.dtype}: 16-bit integers "
            "stored along PIR are expected"
        )
    folder.mkdir(parents=True, exist_ok=True)
    series = _uid(entropy, description)
    common = {
        "0008|0016": _MR_IMAGE_STORAGE, "0008|0060": "MR", "0008|0070": "spinalcord phantom",
        "0008|103e": description, "0010|0010": patient, "0010|0020": patient,
        "0018|0015": "SPINE", "0018|0020": "SE", "0018|0023": "2D",
        "0018|0050": f"{settings['SliceThickness']:g}",
        "0018|0080": f"{1000 * settings['RepetitionTime']:g}",
        "0018|0081": f"{1000 * settings['EchoTime']:g}",
        "0018|0087": f"{settings['MagneticFieldStrength']:g}",
        "0018|0088": f"{settings['SpacingBetweenSlices']:g}",
        "0018|0091": str(settings["EchoTrainLength"]),
        "0020|000d": _uid(entropy, "study"), "0020|000e": series,
        "0020|0052": _uid(entropy, "frame"), "0020|0037": "0\\1\\0\\0\\0\\-1",
        "0008|0008": "ORIGINAL\\PRIMARY\\OTHER",
    }  # fmt: skip
    writer_class: Any = sitk.ImageFileWriter
    writer = writer_class()
    writer.KeepOriginalImageUIDOn()
    for k in range(volume.shape[2]):
        # Keep a slice axis of length 1: for a 2D image the writer assumes a spacing of 1 mm.
        image: Any = sitk.GetImageFromArray(np.ascontiguousarray(volume.array[:, :, k].T[None]))
        image.SetSpacing((*volume.spacing_mm[:2], settings["SpacingBetweenSlices"]))
        x, y, z = (volume.affine @ [0, 0, k, 1])[:3]
        own = {
            "0008|0018": f"{series}.{k + 1}", "0020|0013": str(k + 1),
            "0020|0032": f"{-x:.6f}\\{-y:.6f}\\{z:.6f}",
        }  # fmt: skip
        for tag, value in {**common, **own}.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{k + 1:04d}.dcm"))
        writer.Execute(image)
    return folder


def _uid(entropy: int, what: str) -> str:
    """Return a UID in UUID form, derived from a number and a word."""
    words = np.random.SeedSequence([entropy, *what.encode()]).generate_state(2, np.uint32)
    return f"2.25.{int(words[0]) << 32 | int(words[1])}"
