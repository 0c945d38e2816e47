"""Segmentation objects of every usable real series: their geometry is that of the NIfTI mask."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.exchange.capture_object import make_capture
from spinalcord.exchange.maker import Maker
from spinalcord.exchange.report_object import make_report
from spinalcord.exchange.segmentation_object import make_segmentation
from spinalcord.exchange.sources import read_sources
from spinalcord.scans.annotations import read_annotation
from spinalcord.scans.reading import read
from spinalcord.scans.volume import Volume
from spinalcord.scans.writing import save_volume

DATA = Path(
    os.environ.get("SPINALCORD_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (DATA / "MANIFEST.md").exists(),
        reason=f"no real scans in {DATA} (SPINALCORD_TEST_DATA)",
    ),
]
MAKER = Maker("test 1", "ab" * 32, "research only")


def series():
    """Folders of one series, and multi-frame files."""
    folders = sorted(p for p in DATA.glob("dicom_series/*") if p.is_dir())
    files = sorted(p for p in DATA.glob("dicom_enhanced/**/*.dcm"))
    return [p.relative_to(DATA).as_posix() for p in (*folders, *files)]


def usable(name):
    """The scan, where the package takes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpinalcordWarning)
        try:
            return read(DATA / name)
        except InputError as error:
            pytest.skip(f"refused as a scan: {str(error)[-60:]}")


def read_with_itk(path):
    """The volume, and where ITK defines it.

    ITK expands one-bit voxels by whole bytes: where their number is no multiple of 8, the last 1 to
    7 voxels of the file keep what was in memory (SimpleITK 2.5.7).
    """
    image = sitk.ReadImage(str(path))
    defined = np.ones(image.GetSize()[::-1], np.uint8)
    if image.GetMetaData("0028|0100").strip() == "1":
        defined.flat[defined.size - defined.size % 8 :] = 0
    mask = sitk.GetImageFromArray(defined)
    mask.CopyInformation(image)
    return Volume.from_any(image).sagittal(), Volume.from_any(mask).sagittal().array != 0


@pytest.mark.parametrize("name", series())
def test_objects_lie_where_the_nifti_mask_lies(name, tmp_path):
    pydicom = pytest.importorskip("pydicom")
    pytest.importorskip("highdicom")
    scan = usable(name)
    if scan.source.kind != "dicom":
        pytest.skip("not DICOM")
    mask = np.zeros(scan.shape, np.uint8)
    mask[tuple(slice(n // 4, max(n // 4 + 1, n // 2)) for n in scan.shape)] = 1
    image = nibabel.load(save_volume(scan.like(mask), tmp_path / "m.nii.gz"))
    want = Volume.from_any(image).sagittal()
    source = read_sources(scan)
    for fractional in (False, True):
        values = mask * np.float32(0.75) if fractional else mask
        made = make_segmentation(source, scan.like(values), "lesion", MAKER, fractional=fractional)
        path = tmp_path / f"seg{fractional}.dcm"
        made.save_as(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpinalcordWarning)
            found = read_annotation(path, like=scan).lesion
        np.testing.assert_array_equal(found.array, mask)
        data = pydicom.dcmread(path)
        assert data.FrameOfReferenceUID == source.images[0].FrameOfReferenceUID
        itk, defined = read_with_itk(path)
        assert itk.same_grid(want, 0.1)
        np.testing.assert_array_equal((itk.array != 0)[defined], (want.array != 0)[defined])
    report = make_report(
        source, made, [{"label": 1, "volume_mm3": 2.0, "length_mm": 1.0}], volume_mm3=2.0,
        probabilities={"MS": 1.0}, diagnosis="MS", maker=MAKER,
    )  # fmt: skip
    report.save_as(tmp_path / "sr.dcm")
    assert pydicom.dcmread(tmp_path / "sr.dcm").Modality == "SR"
    capture = make_capture(source, [np.full((9, 8, 3), 7, np.uint8)], "nothing", MAKER)
    capture.save_as(tmp_path / "sc.dcm")
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "sc.dcm"))).max() == 7
