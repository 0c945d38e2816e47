"""Write DICOM Secondary Captures of the slices with lesion and outlines, with highdicom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..extras import require
from .maker import Maker, plain_text
from .sources import MANUFACTURER, SourceSeries, derived_uid

Array = np.ndarray[Any, Any]

_GAP = 4  # pixels between slices
_SERIES_NUMBER = 9304


def make_capture(source: SourceSeries, pictures: Sequence[Array], note: str, maker: Maker) -> Any:
    """Return a Secondary Capture image.

    Parameters
    ----------
    source : SourceSeries
        Source of the scan.
    pictures : sequence of uint8 (rows, columns, 3) array
        Slices, from the patient's left to the right, which are placed side by side.
    note : str
        What they show, for the derivation description.
    maker : Maker

    Returns
    -------
    highdicom.sc.SCImage
        Without a position in the patient, so that nothing can be measured on it.

    Raises
    ------
    MissingExtraError
        Without highdicom.
    """
    hd = require("highdicom", "dicom", "writing DICOM secondary captures")
    rgb = side_by_side(pictures)
    uid = derived_uid("sc", source.uid, maker.digest, rgb.tobytes())
    made = hd.sc.SCImage.from_ref_dataset(
        ref_dataset=source.images[0],
        pixel_array=rgb,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        series_instance_uid=derived_uid("series", uid),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=uid,
        instance_number=1,
        manufacturer=MANUFACTURER,
        patient_orientation=("P", "F"),
    )
    made.SeriesDescription = "spinalcord overlay"
    made.DerivationDescription = plain_text(note)
    made.BurnedInAnnotation = "NO"
    made.Laterality = ""  # the spine is unpaired
    if maker.comment:
        made.ImageComments = maker.comment
    return made


def side_by_side(pictures: Sequence[Array]) -> Array:
    """Place pictures side by side on black.

    Parameters
    ----------
    pictures : sequence of uint8 (rows, columns, 3) array

    Returns
    -------
    uint8 (rows, columns, 3) array

    Examples
    --------
    >>> side_by_side([np.zeros((4, 3, 3), np.uint8), np.zeros((6, 5, 3), np.uint8)]).shape
    (6, 12, 3)
    """
    height = max(picture.shape[0] for picture in pictures)
    width = sum(picture.shape[1] for picture in pictures) + _GAP * (len(pictures) - 1)
    sheet = np.zeros((height, width, 3), np.uint8)
    at = 0
    for picture in pictures:
        sheet[: picture.shape[0], at : at + picture.shape[1]] = picture
        at += picture.shape[1] + _GAP
    return sheet
