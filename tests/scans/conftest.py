"""Small DICOM series made on the spot, independent of the reader: pydicom writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

# Row and column directions (LPS) of the usual planes.
PLANES = {
    "sagittal": ((0, 1, 0), (0, 0, -1)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "axial": ((1, 0, 0), (0, 1, 0)),
}
MR, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"


def turned(plane, oblique_deg=0.0):
    """Row, column and normal of a plane, turned about an axis that is none of them."""
    row, column = (np.array(v, float) for v in PLANES[plane])
    axis = np.array([0.3, -0.5, 0.81])
    axis /= np.linalg.norm(axis)
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = np.radians(oblique_deg)
    turn = np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k
    row, column = turn @ row, turn @ column
    return row, column, np.cross(row, column)


class SeriesMaker:
    """Writes series and says what a reader should find."""

    rows, columns = 7, 9
    spacing = (0.8, 0.9)  # between rows, between columns
    step_mm = 3.3

    def __init__(self):
        self.pydicom = pytest.importorskip("pydicom")

    def dataset(self, *, n_frames=None, description="t2_tse_sag", uid=None, **tags):
        from pydicom.dataset import Dataset, FileMetaDataset
        from pydicom.uid import ExplicitVRLittleEndian, generate_uid

        data = Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.SOPClassUID = MR if n_frames is None else ENHANCED_MR
        data.SOPInstanceUID = generate_uid()
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.PatientName, data.PatientID, data.PatientBirthDate = "Doe^Jane", "SECRET7", "19700101"
        data.Modality = "MR"
        data.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
        data.StudyInstanceUID = "1.2.3.4"
        data.SeriesInstanceUID = uid or generate_uid()
        data.SeriesDescription = description
        data.RepetitionTime, data.EchoTime = 3500, 100
        data.Rows, data.Columns = self.rows, self.columns
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
        data.PixelRepresentation = 0
        for name, value in tags.items():
            setattr(data, name, value)
        return data

    def pixels(self, n, seed=0):
        rng = np.random.default_rng(seed)
        return rng.integers(1, 4000, (n, self.rows, self.columns)).astype(np.uint16)

    def affine(self, row, column, positions):
        affine = np.eye(4)
        affine[:3, 0] = row * self.spacing[1]
        affine[:3, 1] = column * self.spacing[0]
        affine[:3, 2] = (positions[-1] - positions[0]) / (len(positions) - 1)
        affine[:3, 3] = positions[0]
        return np.diag([-1, -1, 1, 1]) @ affine

    def save(self, data, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        data.save_as(path, enforce_file_format=True)

    def classic(self, folder, n=6, *, plane="sagittal", oblique_deg=0.0, at=None, edit=None,
                seed=0, **tags):  # fmt: skip
        """Write single-slice files; return what should be read: (column, row, slice), affine."""
        row, column, normal = turned(plane, oblique_deg)
        along = np.arange(n) * self.step_mm if at is None else np.array(at, float)
        positions = np.array([-20.0, -40.5, 60.25]) + along[:, None] * normal
        pixels = self.pixels(len(along), seed)
        first = self.dataset(**tags)
        rng = np.random.default_rng(seed + 1)
        numbers, names = rng.permutation(len(along)), rng.permutation(len(along))
        for k in range(len(along)):
            data = self.dataset(**{**tags, "uid": first.SeriesInstanceUID})
            data.InstanceNumber = int(numbers[k]) + 1
            data.PixelSpacing = list(self.spacing)
            data.ImageOrientationPatient = [*np.round(row, 9), *np.round(column, 9)]
            data.ImagePositionPatient = list(np.round(positions[k], 6))
            data.PixelData = pixels[k].tobytes()
            path = Path(folder) / f"IM{names[k]:04d}"
            if edit is None or edit(data, k) is not False:  # False: leave this file out
                self.save(data, path)
        self.uid = first.SeriesInstanceUID
        return pixels.transpose(2, 1, 0), self.affine(row, column, positions)

    def enhanced(self, path, n=6, *, order=None, slopes=None, oblique_deg=0.0, edit=None, seed=0,
                 shared=False, **tags):  # fmt: skip
        """Write one multi-frame file; frames in the order given; return as `classic`."""
        from pydicom.dataset import Dataset
        from pydicom.sequence import Sequence

        def item(**values):
            inner = Dataset()
            for name, value in values.items():
                setattr(inner, name, value)
            return Sequence([inner])

        row, column, normal = turned("sagittal", oblique_deg)
        positions = np.array([-20.0, -40.5, 60.25]) + np.arange(n)[:, None] * self.step_mm * normal
        pixels = self.pixels(n, seed)
        order = list(range(n)) if order is None else order
        data = self.dataset(n_frames=n, **tags)
        del data.EchoTime, data.RepetitionTime
        data.NumberOfFrames = len(order)
        orientation = [*np.round(row, 9), *np.round(column, 9)]
        groups = []
        for k in order:
            group = Dataset()
            group.PlanePositionSequence = item(ImagePositionPatient=list(np.round(positions[k], 6)))
            if not shared:
                group.PlaneOrientationSequence = item(ImageOrientationPatient=orientation)
                group.PixelMeasuresSequence = item(PixelSpacing=list(self.spacing))
            group.MREchoSequence = item(EffectiveEchoTime=100.0)
            if slopes is not None:
                group.PixelValueTransformationSequence = item(
                    RescaleIntercept=float(k), RescaleSlope=slopes[k], RescaleType="US"
                )
            groups.append(group)
        data.PerFrameFunctionalGroupsSequence = Sequence(groups)
        common = Dataset()
        common.MRTimingAndRelatedParametersSequence = item(RepetitionTime=3500.0)
        if shared:
            common.PlaneOrientationSequence = item(ImageOrientationPatient=orientation)
            common.PixelMeasuresSequence = item(PixelSpacing=list(self.spacing))
        data.SharedFunctionalGroupsSequence = Sequence([common])
        data.PixelData = pixels[order].tobytes()
        if edit is not None:
            edit(data)
        self.save(data, Path(path))
        self.uid = data.SeriesInstanceUID
        values = pixels.astype(float)
        if slopes is not None:
            values = values * np.array(slopes)[:, None, None] + np.arange(n)[:, None, None]
        return values.transpose(2, 1, 0), self.affine(row, column, positions)


@pytest.fixture
def maker():
    return SeriesMaker()
