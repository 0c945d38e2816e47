"""Annotations as labs have them, written independently of the readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spinalcord.phantom.dicom_series import save_series
from spinalcord.scans.volume import Volume

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


SETTINGS = {
    "SliceThickness": 3.0, "SpacingBetweenSlices": 3.3, "RepetitionTime": 3.5, "EchoTime": 0.1,
    "MagneticFieldStrength": 1.5, "EchoTrainLength": 12,
}  # fmt: skip


def make_arrays():
    """A bright cord in grey, stored along (P, I, R), with a lesion to the patient's left."""
    rng = np.random.default_rng(0)
    scan = rng.integers(80, 120, (40, 48, 9)).astype(np.int16)
    cord = np.zeros(scan.shape, bool)
    cord[16:26, :, 2:7] = True
    lesion = np.zeros(scan.shape, bool)
    lesion[18:24, 10:22, 2:4] = True
    scan[cord] += 60
    scan[lesion] += 150
    return scan, lesion, cord


AFFINE = np.array([[0, 0, 3.3, -13.0], [-0.8, 0, 0, 16], [0, -0.8, 0, 20], [0, 0, 0, 1.0]])


def make_series(folder, patient="Doe^Jane", entropy=3, *, seed=0):
    """Write the scan of `make_arrays`, brighter by `seed`, as a DICOM series."""
    array, _, _ = make_arrays()
    volume = Volume((array + seed).astype(np.int16), AFFINE)
    return save_series(volume, folder, patient, "t2_tse_sag", SETTINGS, entropy=entropy)


def write_slicer(path, scan, parts, *, layers=False, crop=True, named=True):
    """Write a ``.seg.nrrd`` byte by byte, as 3D Slicer lays it out: cropped, gzip-compressed.

    `parts`: name to bool array in the scan's storage order.
    """
    import gzip

    together = np.any(list(parts.values()), axis=0)
    held = np.argwhere(together)
    low, high = (held.min(0), held.max(0) + 1) if crop else (np.zeros(3, int), scan.shape)
    window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    affine = LPS @ scan.affine
    origin = affine[:3, :3] @ low + affine[:3, 3]
    size = [int(b - a) for a, b in zip(low, high, strict=True)]

    def vector(values):
        return "(" + ",".join(f"{v:.12g}" for v in values) + ")"

    directions = " ".join(vector(affine[:3, axis]) for axis in range(3))
    if layers:
        data = np.stack([part[window] for part in parts.values()]).astype(np.uint8)
        head = ["dimension: 4", f"sizes: {len(parts)} " + " ".join(map(str, size))]
        head += [f"space directions: none {directions}", "kinds: list domain domain domain"]
        raw = data.transpose(3, 2, 1, 0)
    else:
        data = np.zeros(size, np.uint8)
        for value, part in enumerate(parts.values(), 1):
            data[part[window]] = value
        head = ["dimension: 3", "sizes: " + " ".join(map(str, size))]
        head += [f"space directions: {directions}", "kinds: domain domain domain"]
        raw = data.transpose(2, 1, 0)
    fields = []
    for number, name in enumerate(parts):
        fields += [f"Segment{number}_ID:=Segment_{number + 1}", f"Segment{number}_Name:={name}"]
        if named:
            fields += [f"Segment{number}_LabelValue:={1 if layers else number + 1}"]
            fields += [f"Segment{number}_Layer:={number if layers else 0}"]
    text = "\n".join(
        ["NRRD0004", "type: unsigned char", "space: left-posterior-superior", *head,
         "encoding: gzip", f"space origin: {vector(origin)}", *fields, "", ""]
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() + gzip.compress(np.ascontiguousarray(raw).tobytes()))
    return path


def read_sources(folder):
    """Read the files of a series with pydicom, in the order of their positions."""
    pydicom = pytest.importorskip("pydicom")
    files = [pydicom.dcmread(p) for p in sorted(Path(folder).iterdir()) if p.is_file()]
    return sorted(files, key=lambda d: -float(d.ImagePositionPatient[0]))


def write_seg(path, folder, parts, *, kind="BINARY", keep_empty=True):
    """Write a DICOM SEG with highdicom; `parts`: label to (slices, rows, columns) array."""
    highdicom = pytest.importorskip("highdicom")
    sources = read_sources(folder)
    code = highdicom.sr.CodedConcept("49755003", "SCT", "Morphologically Altered Structure")
    about = [
        highdicom.seg.SegmentDescription(
            number, label, code, code, highdicom.seg.SegmentAlgorithmTypeValues.MANUAL
        )
        for number, label in enumerate(parts, 1)
    ]
    pixels = np.stack(list(parts.values()), axis=-1)
    pixels = pixels.astype(np.uint8 if kind == "BINARY" else np.float32)
    seg = highdicom.seg.Segmentation(
        sources, pixels, kind, about, highdicom.UID(), 7, highdicom.UID(), 1, "lab", "tool", "1",
        "1", omit_empty_frames=not keep_empty,
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    seg.save_as(path)
    return path


def write_rtstruct(path, folder, curves):
    """Write an RTSTRUCT with pydicom; `curves`: name to a list of (n, 3) points in LPS mm."""
    pydicom = pytest.importorskip("pydicom")
    from pydicom.dataset import Dataset, FileMetaDataset

    source = read_sources(folder)[0]
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    data.Modality, data.StructureSetLabel = "RTSTRUCT", "lab"
    data.PatientName, data.PatientID = source.PatientName, source.PatientID
    data.StudyInstanceUID = source.StudyInstanceUID
    data.SeriesInstanceUID = pydicom.uid.generate_uid()
    about, drawn = [], []
    for number, (name, points) in enumerate(curves.items(), 1):
        roi = Dataset()
        roi.ROINumber, roi.ROIName = number, name
        roi.ReferencedFrameOfReferenceUID = source.FrameOfReferenceUID
        roi.ROIGenerationAlgorithm = "MANUAL"
        about.append(roi)
        region = Dataset()
        region.ReferencedROINumber = number
        items = []
        for curve in points:
            item = Dataset()
            item.ContourGeometricType = "CLOSED_PLANAR"
            item.NumberOfContourPoints = len(curve)
            item.ContourData = [f"{value:.4f}" for value in np.ravel(curve)]
            items.append(item)
        region.ContourSequence = items
        drawn.append(region)
    data.StructureSetROISequence, data.ROIContourSequence = about, drawn
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def outline(mask, affine):
    """Return closed curves around the voxels of each slice (last axis), LPS mm: one a rectangle."""
    curves = []
    for index in np.flatnonzero(mask.any(axis=(0, 1))):
        held = np.argwhere(mask[:, :, index])
        (i0, j0), (i1, j1) = held.min(0) - 0.5, held.max(0) + 0.5
        corners = np.array([(i, j, index, 1) for i, j in ((i0, j0), (i0, j1), (i1, j1), (i1, j0))])
        curves.append((corners @ (LPS @ affine).T)[:, :3])
    return curves
