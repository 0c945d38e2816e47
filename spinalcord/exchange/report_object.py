"""DICOM Structured Reports of lesions and classification: TID 1500, with highdicom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..extras import require
from .maker import Maker
from .segmentation_object import SPINAL_CORD, STRUCTURES
from .sources import MANUFACTURER, SourceSeries, derived_uid

_MEASURES = {
    "volume_mm3": (("118565006", "SCT", "Volume"), ("mm3", "UCUM", "cubic millimeter")),
    "length_mm": (("410668003", "SCT", "Length"), ("mm", "UCUM", "millimeter")),
    "width_mm": (("103355008", "SCT", "Width"), ("mm", "UCUM", "millimeter")),
    "depth_mm": (("131197000", "SCT", "Depth"), ("mm", "UCUM", "millimeter")),
    "max_diameter_mm": (("81827009", "SCT", "Diameter"), ("mm", "UCUM", "millimeter")),
}
_NONE = ("1", "UCUM", "no units")
_OWN = "99SPINALCORD"
_SERIES_NUMBER = 9303


def make_report(
    source: SourceSeries,
    segmentation: Any,
    lesions: Sequence[Mapping[str, Any]],
    *,
    volume_mm3: float,
    probabilities: Mapping[str, float],
    diagnosis: str | None,
    maker: Maker,
) -> Any:
    """Return a Comprehensive 3D SR with the measurements of each lesion and the classification.

    Parameters
    ----------
    source : SourceSeries
        Source of the scan.
    segmentation : highdicom.seg.Segmentation or None
        Segmentation of the lesions, to which the report refers.
    lesions : sequence of mapping
        Columns of the lesion table: label, volume_mm3, length_mm and so on; the largest first.
    volume_mm3 : float
        Volume of all lesions.
    probabilities : mapping of str to float
        Probability by diagnosis; empty if nothing was classified.
    diagnosis : str or None
        The answer.
    maker : Maker

    Returns
    -------
    highdicom.sr.Comprehensive3DSR
        Diagnoses and probabilities have codes of a private scheme, 99SPINALCORD.

    Raises
    ------
    MissingExtraError
        Without highdicom.
    """
    hd = require("highdicom", "dicom", "writing DICOM structured reports")
    sr = hd.sr
    uid = derived_uid(
        "sr", source.uid, maker.digest, repr([sorted(lesion.items()) for lesion in lesions]),
        repr(sorted(probabilities.items())), str(diagnosis),
    )  # fmt: skip
    groups = _groups(sr, uid, source, segmentation, volume_mm3, probabilities, diagnosis)
    site, finding = _site(sr), sr.CodedConcept(*STRUCTURES["lesion"][1])
    for lesion in lesions:
        values = [_measurement(sr, name, lesion[name]) for name in _MEASURES if name in lesion]
        name = f"connected lesion {lesion['label']}"
        groups.append(_group(sr, uid, name, finding, site, values, []))
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=_device(sr, maker)),
        procedure_reported=sr.CodedConcept("113091000", "SCT", "Magnetic resonance imaging"),
        imaging_measurements=groups,
        title=sr.CodedConcept("126000", "DCM", "Imaging Measurement Report"),
    )
    evidence = [*source.images, *([] if segmentation is None else [segmentation])]
    made = sr.Comprehensive3DSR(
        evidence=evidence,
        content=report[0],
        series_instance_uid=derived_uid("series", uid),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=uid,
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=False,
        is_verified=False,
        series_description="spinalcord measurements",
    )
    made.SoftwareVersions = maker.version
    made.ManufacturerModelName = maker.model[:64]
    if maker.comment:
        made.CompletionFlagDescription = maker.comment[:64]
    return made


def _groups(
    sr: Any,
    uid: str,
    source: SourceSeries,
    segmentation: Any,
    volume_mm3: float,
    probabilities: Mapping[str, float],
    diagnosis: str | None,
) -> list[Any]:
    """Return the group of all lesions together: volume, probabilities, diagnosis."""
    site, finding = _site(sr), sr.CodedConcept(*STRUCTURES["lesion"][1])
    answers = []
    if diagnosis is not None:
        answers.append(
            sr.QualitativeEvaluation(
                name=sr.CodedConcept("diagnosis", _OWN, "Most likely of four diagnoses"),
                value=sr.CodedConcept(diagnosis.lower()[:16], _OWN, diagnosis),
            )
        )
    measured = [_measurement(sr, "volume_mm3", volume_mm3)]
    measured += [
        sr.Measurement(
            name=sr.CodedConcept(f"p_{name.lower()}"[:16], _OWN, f"Probability of {name}"),
            value=round(float(value), 6),
            unit=sr.CodedConcept(*_NONE),
        )
        for name, value in probabilities.items()
    ]
    if segmentation is None:
        return [_group(sr, uid, "all lesions", finding, site, measured, answers)]
    return [
        sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=sr.TrackingIdentifier(
                uid=derived_uid("tracking", str(segmentation.SOPInstanceUID)),
                identifier="lesion 1",
            ),
            referenced_segment=sr.ReferencedSegment(
                sop_class_uid=str(segmentation.SOPClassUID),
                sop_instance_uid=str(segmentation.SOPInstanceUID),
                segment_number=1,
                source_series=sr.SourceSeriesForSegmentation(source.uid),
            ),
            finding_type=finding,
            finding_sites=[site],
            measurements=measured,
            qualitative_evaluations=answers or None,
        )
    ]


def _site(sr: Any) -> Any:
    return sr.FindingSite(anatomic_location=sr.CodedConcept(*SPINAL_CORD))


def _measurement(sr: Any, name: str, value: float) -> Any:
    what, unit = _MEASURES[name]
    return sr.Measurement(
        name=sr.CodedConcept(*what), value=round(float(value), 6), unit=sr.CodedConcept(*unit)
    )


def _group(
    sr: Any, uid: str, name: str, finding: Any, site: Any, values: list[Any], answers: list[Any]
) -> Any:
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=derived_uid("tracking", uid, name), identifier=name
        ),
        finding_type=finding,
        finding_sites=[site],
        measurements=values,
        qualitative_evaluations=answers or None,
    )


def _device(sr: Any, maker: Maker) -> Any:
    return sr.ObserverContext(
        observer_type=sr.CodedConcept("121007", "DCM", "Device"),
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=derived_uid("device", maker.digest, maker.version),
            name=MANUFACTURER,
            manufacturer_name=MANUFACTURER,
            model_name=maker.model[:64],
            serial_number=maker.serial,
        ),
    )
