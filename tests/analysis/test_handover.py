"""Results as other programs take them, read back by programs that are not ours."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from annotations import make_series

import spinalcord as sc
from spinalcord.errors import InputError
from spinalcord.scans.annotations import read_annotation
from spinalcord.scans.volume import Volume

pydicom = pytest.importorskip("pydicom")
pytest.importorskip("highdicom")


@pytest.fixture
def results(tmp_path, cord_folder):
    """A segmentation and a diagnosis of a DICOM series."""
    folder = make_series(tmp_path / "series", "Doe^Jane")
    diagnosis = sc.classify(folder, models=cord_folder)
    return diagnosis.segmentation, diagnosis


def same_place(got, want):
    a, b = got.sagittal(), want.sagittal()
    assert a.same_grid(b, 0.05)
    np.testing.assert_array_equal(a.array != 0, b.array != 0)  # ITK reads bits as 0 and 255


@pytest.mark.slow
def test_a_segmentation_object_is_the_mask(tmp_path, results):
    seg, _ = results
    assert seg.found
    (path,) = seg.save(tmp_path / "out", format="dicom-seg")
    assert path.name == "series_desc-lesion_seg.dcm"
    data = pydicom.dcmread(path)
    source = pydicom.dcmread(seg.scan.source.files[0])
    for name in ("PatientName", "PatientID", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert data[name].value == source[name].value
    (about,) = data.SegmentSequence
    assert about.SegmentedPropertyTypeCodeSequence[0].CodeValue == "52988006"
    assert about.SegmentAlgorithmType == "AUTOMATIC"
    (referred,) = data.ReferencedSeriesSequence
    assert referred.SeriesInstanceUID == source.SeriesInstanceUID
    assert len(referred.ReferencedInstanceSequence) == 9
    assert data.ImageComments == seg.notice[:1024]
    same_place(read_annotation(path, like=seg.scan).lesion, seg.mask)
    same_place(Volume.from_any(sitk.ReadImage(str(path))), seg.mask)
    again = pydicom.dcmread(seg.save(tmp_path / "again.dcm", format="dicom-seg")[0])
    assert again.SOPInstanceUID == data.SOPInstanceUID


@pytest.mark.slow
def test_fractions_are_the_probabilities(tmp_path, results):
    seg, _ = results
    (path,) = seg.save(tmp_path / "out", format="dicom-seg", fractional=True)
    data = pydicom.dcmread(path)
    assert (data.SegmentationType, data.SegmentationFractionalType) == ("FRACTIONAL", "PROBABILITY")
    held = Volume.from_any(sitk.ReadImage(str(path))).sagittal()
    want = seg.probability.sagittal()
    assert held.same_grid(want, 0.05)
    np.testing.assert_allclose(held.array / 255, want.array, atol=0.5 / 255 + 1e-6)


def test_a_structured_report_holds_measurements_and_answer(tmp_path, results):
    seg, diagnosis = results
    (path,) = diagnosis.save(tmp_path, format="dicom-sr")
    data = pydicom.dcmread(path)
    assert data.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    found = {"NUM": [], "CODE": [], "IMAGE": []}

    def walk(item):
        kind = item.get("ValueType")
        if kind == "NUM":
            value = item.MeasuredValueSequence[0]
            found[kind].append((item.ConceptNameCodeSequence[0].CodeMeaning, value.NumericValue))
        elif kind == "CODE":
            found[kind].append(item.ConceptCodeSequence[0].CodeMeaning)
        elif kind == "IMAGE":
            found[kind].append(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        for child in item.get("ContentSequence", ()):
            walk(child)

    walk(data)
    volumes = [float(value) for name, value in found["NUM"] if name == "Volume"]
    assert volumes == pytest.approx([seg.volume_mm3, *(one.volume_mm3 for one in seg.lesions)])
    told = {name: float(value) for name, value in found["NUM"] if name.startswith("Probability")}
    assert told == pytest.approx(
        {f"Probability of {n}": p for n, p in diagnosis.probabilities.items()}, abs=1e-6
    )
    assert diagnosis.diagnosis in found["CODE"]
    object_uid = pydicom.dcmread(seg.save(tmp_path, format="dicom-seg")[0]).SOPInstanceUID
    assert object_uid in found["IMAGE"]


def test_a_report_without_a_segmentation_of_its_own(tmp_path, results, cord_folder):
    seg, _ = results
    given = sc.classify(seg.scan, mask=seg.mask, models=cord_folder)
    (path,) = given.save(tmp_path / "x", format="dicom-sr")
    assert pydicom.dcmread(path).ContentTemplateSequence[0].TemplateIdentifier == "1500"


def test_a_secondary_capture_shows_the_outline(tmp_path, results):
    for result in results:
        (path,) = result.save(tmp_path / type(result).__name__, format="dicom-sc")
        rgb = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        assert rgb.shape[-1] == 3
        assert (rgb.reshape(-1, 3) == (255, 80, 60)).all(axis=1).any()
        data = pydicom.dcmread(path)
        assert data.Modality == "OT"
        assert "with lesion" in data.DerivationDescription
        assert data.DerivationDescription.isascii()


def test_a_segmentation_for_slicer(tmp_path, results):
    seg, _ = results
    (path,) = seg.save(tmp_path / "out", format="seg.nrrd")
    assert path.name == "series_desc-lesion_dseg.seg.nrrd"
    found = read_annotation(path, like=seg.scan)
    np.testing.assert_array_equal(found.lesion.array, seg.mask.array)
    np.testing.assert_array_equal(found.cord.array, seg.cord.array)
    image = sitk.ReadImage(str(path))
    assert image.GetNumberOfComponentsPerPixel() == 2
    assert image.GetMetaData("Segment0_Name") == "lesion"
    assert path.read_bytes() == seg.save(tmp_path / "b.seg.nrrd", format="seg.nrrd")[0].read_bytes()


def test_formats_and_places_that_do_not_go_together(tmp_path, results, scan, model_folder):
    seg, diagnosis = results
    for made, options, match in (
        (seg, {"format": "dicom"}, "format is 'dicom', expected one of nifti, seg.nrrd, dicom-seg"),
        (seg, {"fractional": True}, 'fractional belongs to format="dicom-seg"'),
        (seg, {"format": "seg.nrrd", "probability": True}, "probability belongs to NIfTI"),
        (diagnosis, {"format": "dicom-seg"}, "expected one of json, dicom-sr, dicom-sc"),
    ):
        with pytest.raises(InputError, match=match):
            made.save(tmp_path / "out", **options)
    with pytest.raises(InputError, match=r"expected a folder, or a file name that ends in \.dcm"):
        seg.save(tmp_path / "m.nii.gz", format="dicom-seg")
    own = sc.segment(scan, models=model_folder)
    with pytest.raises(InputError, match="not DICOM: DICOM objects refer to the images"):
        own.save(tmp_path, format="dicom-seg")
    assert not (tmp_path / "out").exists()


# ---- In memory --------------------------------------------------------------------------------


def test_results_in_other_packages(scan, cord_folder):
    seg = sc.segment(scan, models=cord_folder)
    image = seg.to_nibabel()
    assert isinstance(image, nibabel.Nifti1Image)
    np.testing.assert_array_equal(image.get_fdata(), seg.mask.array)
    np.testing.assert_allclose(image.affine, scan.affine)
    same_place(Volume.from_any(seg.to_sitk()), seg.mask)
    assert np.asarray(seg.mask).dtype == np.uint8
    pandas = pytest.importorskip("pandas")
    lesions = seg.to_frame()
    assert isinstance(lesions, pandas.DataFrame)
    assert lesions.volume_mm3.sum() == pytest.approx(seg.volume_mm3)
    slices = seg.to_frame("slices")
    area = seg.scan.sagittal_spacing_mm[1] * seg.scan.sagittal_spacing_mm[2]
    assert slices.lesion_mm2.sum() == pytest.approx(np.asarray(seg.mask).sum() * area)
    with pytest.raises(InputError, match="rows is 'voxels', expected 'lesions' or 'slices'"):
        seg.to_frame("voxels")


def test_a_sheared_grid_is_none_of_simpleitk(scan):
    affine = scan.affine.copy()
    affine[:3, 0] += 0.3 * affine[:3, 1]
    with pytest.raises(InputError, match=r"sheared by .* degrees, which SimpleITK cannot hold"):
        Volume(scan.array, affine).to_sitk()
