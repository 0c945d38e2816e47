"""DICOM Segmentation objects of a mask or of probabilities, with highdicom."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..extras import require
from ..scans.volume import Volume
from .maker import Maker
from .sources import MANUFACTURER, SourceSeries, derived_uid

# Category and type of what is segmented (SNOMED CT, CID 7150 and 7151), and its colour-free name.
STRUCTURES = {
    "lesion": (
        ("49755003", "SCT", "Morphologically Abnormal Structure"),
        ("52988006", "SCT", "Lesion"),
    ),
    "cord": (("91723000", "SCT", "Anatomical Structure"), ("2748008", "SCT", "Spinal cord")),
}
SPINAL_CORD = ("2748008", "SCT", "Spinal cord")
_NUMBER = {"lesion": 9301, "cord": 9302}


def make_segmentation(
    source: SourceSeries, volume: Volume, structure: str, maker: Maker, *, fractional: bool = False
) -> Any:
    """Return a Segmentation object.

    Parameters
    ----------
    source : SourceSeries
        Source of the scan.
    volume : Volume
        uint8 mask, or float32 probabilities if `fractional`, on the scan's grid.
    structure : {"lesion", "cord"}
    maker : Maker
    fractional : bool, default False
        Whether values in [0, 1] are kept, in steps of 1/255.

    Returns
    -------
    highdicom.seg.Segmentation
        One segment; every slice has a frame, also empty ones, so that the grid is the scan's.

    Raises
    ------
    MissingExtraError
        Without highdicom.
    """
    hd = require("highdicom", "dicom", "writing DICOM segmentations")
    kind = "FRACTIONAL" if fractional else "BINARY"
    pixels = source.frames(volume, np.float32 if fractional else np.uint8)
    category, what = (hd.sr.CodedConcept(*code) for code in STRUCTURES[structure])
    uid = derived_uid("seg", structure, kind, source.uid, maker.digest, pixels.tobytes())
    about = hd.seg.SegmentDescription(
        segment_number=1,
        segment_label=structure.capitalize(),
        segmented_property_category=category,
        segmented_property_type=what,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=maker.model[:64],
            version=maker.version,
            family=hd.sr.CodedConcept("123110", "DCM", "Artificial Intelligence"),
            source=MANUFACTURER,
        ),
        tracking_uid=derived_uid("tracking", uid),
        tracking_id=f"{structure} 1",
        anatomic_regions=[hd.sr.CodedConcept(*SPINAL_CORD)],
    )
    values = {"fractional_type": "PROBABILITY", "max_fractional_value": 255}
    made = hd.seg.Segmentation(
        source_images=list(source.images),
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=[about],
        series_instance_uid=derived_uid("series", uid),
        series_number=_NUMBER[structure] + 10 * fractional,
        sop_instance_uid=uid,
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=maker.model[:64],
        software_versions=maker.version,
        device_serial_number=maker.serial,
        content_label=structure.upper(),
        content_description=f"spinal cord: {structure}"[:64],
        series_description=f"spinalcord {structure}"[:64],
        omit_empty_frames=False,
        **(values if fractional else {}),
    )
    _note(made, maker)
    return made


def _note(made: Any, maker: Maker) -> None:
    """State in the object that it is research, in an attribute that viewers show."""
    if maker.comment:
        made.ImageComments = maker.comment
