"""Every real scan at hand, with what is expected of it.

The files are third parties' and not part of the repository.  They are looked for in
``../shared/data`` beside it, or where SPINALCORD_TEST_DATA says.
"""

from __future__ import annotations

import fnmatch
import os
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.scans import writing
from spinalcord.scans.header import DamagedHeaderError, read_header
from spinalcord.scans.itk import read_pixels
from spinalcord.scans.reading import read, read_mask
from spinalcord.scans.volume import Volume

DATA = Path(
    os.environ.get("SPINALCORD_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data")
).absolute()
pytestmark = [
    pytest.mark.slow,  # a minute over all scans
    pytest.mark.skipif(
        not (DATA / "MANIFEST.md").exists(),
        reason=f"no real scans in {DATA} (SPINALCORD_TEST_DATA)",
    ),
]
nibabel = pytest.importorskip("nibabel")
pytest.importorskip("SimpleITK")

MASK = "looks like a mask"
NOT_T2 = "does not look T2-weighted"
COARSE = "!not sagittal-capable"
ONE_SLICE = r"!1 slice\(s\); at least 3 are expected"
TWO_SLICES = r"!2 slice\(s\); at least 3 are expected"
FOUR_D = r"!4-D data of shape"
NO_SERIES = "!DICOM, but no SeriesInstanceUID"
MOSAIC = r"!a mosaic \(many slices tiled into one image\)"

# Path or pattern: '' is taken silently; text is taken with a warning that says so; '!text' is
# refused with that reason.  The first match counts.
EXPECTED = {
    # NIfTI
    "nifti_cord/*/t2.nii.gz": "",
    "nifti_cord/t2_lumbar.nii.gz": "",
    "nifti_lumbar/*_t2.nii.gz": "",
    "nifti_lumbar/*_canal.nii.gz": MASK,
    "nifti_cord/*": MASK,  # cord masks, landmarks and labels
    "nifti_lesion/t2_fake_lesion.nii.gz": "",
    "nifti_lesion/t2_fake_lesion_*_seg.nii.gz": MASK,
    "nifti_lesion/ivadomed_sub-unf01/sub-unf01_T[12]w.nii.gz": "",
    "nifti_lesion/ivadomed_sub-unf01/sub-unf01_T2star.nii.gz": "",
    "nifti_lesion/ivadomed_sub-unf01/*.nii.gz": MASK,
    "nifti_lesion/ivadomed_sub-unf01/*.json": "!not a scan that can be read",
    "nifti_odd/analyze.hdr": "!stores no orientation",
    "nifti_odd/anatomical.nii": "",
    "nifti_odd/annex_pointer_T2w.nii.gz": "!a git-annex pointer",
    "nifti_odd/dmri.nii.gz": FOUR_D,
    "nifti_odd/example4d.nii.gz": FOUR_D,
    "nifti_odd/example_nifti2.nii.gz": FOUR_D,
    "nifti_odd/heudiconv_tiny.nii.gz": "!all voxels have the same value",
    "nifti_odd/lowres_sub-unf02/*": COARSE,
    "nifti_odd/mt0.nii.gz": COARSE,
    "nifti_odd/nifti1.hdr": "!a header alone; its image",
    "nifti_odd/standard.nii.gz": MASK,  # 4 x 5 x 7 voxels of 0 and 255
    "nifti_odd/t1w.nii.gz": "",
    "nifti_odd/t2s.nii.gz": COARSE,
    # DICOM series; a file stands for its folder
    "dicom_series/d2n_compressed_*": "",
    "dicom_series/d2n_expected/*.nii.gz": "",
    "dicom_series/d2n_implicit*": "",
    "dicom_series/d2n_uncompressed*": "",
    "dicom_series/d2n_nonsquare_pixels*": COARSE,
    "dicom_series/d2n_rgb*": r"!colour \(RGB\)",
    "dicom_series/philips_sag_mprage*": NOT_T2,
    "dicom_series/siemens_sag_2d_HFS*": NOT_T2,
    "dicom_series/xa30_sag_epi_classic_5001*": NOT_T2,
    "dicom_series": "!several series are possible, pass series=UID",
    "dicom_bad_series/d2n_gantrytilt*": r"!gantry tilt: slices are stacked 14\.0 degrees",
    "dicom_bad_series/d2n_notavolume*": r"!4 images at 1 positions.*no volume at all",
    "dicom_bad_series/d2n_slicecount*": TWO_SLICES,
    "dicom_bad_series": "!no usable series",
    # Enhanced multi-frame
    "dicom_enhanced/expected/*.nii.gz": "",
    "dicom_enhanced/philips_*plicit*": NOT_T2,
    "dicom_enhanced/pydicom_emri/*too_short.dcm": "!truncated: 8 bytes",
    "dicom_enhanced/pydicom_emri*": "!10 frames, but no functional groups",
    "dicom_enhanced/siemens_multiframe*": NOT_T2,  # axial, 0.9 mm
    "dicom_enhanced/xa30_sag_epi/*.dcm": NOT_T2,
    "dicom_enhanced/xa30_sag_epi": r"!pass one of these files:[^!]*0063\.dcm[^!]*0126\.dcm",
    "dicom_enhanced": "!several series are possible",
    # Single files
    "dicom_single/dicomdirtests/README.txt": "!not a scan that can be read",
    "dicom_single/dicomdirtests/98892003/MR1*": "!a localizer",
    "dicom_single/dicomdirtests/98892003/MR2/15970": "!a localizer",
    "dicom_single/dicomdirtests/98892003/MR2*": "!mixed orientations",
    "dicom_single/dicomdirtests/98892003/MR700*": r"!mixed orientations \(coronal and sagittal\)",
    "dicom_single/dicomdirtests*": "!no usable series",  # the DICOMDIR stands for its folder
    "dicom_single/heudiconv_scout_sag.dcm": "!a localizer",
    "dicom_single/pydicom/rtstruct.dcm": "!radiotherapy data",
    "dicom_single/pydicom/rtplan_truncated.dcm": "!a damaged or truncated DICOM file",
    "dicom_single/pydicom/ExplVR_LitEndNoMeta.dcm": "!radiotherapy data",
    "dicom_single/pydicom/ExplVR_BigEndNoMeta.dcm": "!not a scan that can be read",
    "dicom_single/pydicom/ExplVR_BigEnd.dcm": r"!colour \(RGB\)",
    "dicom_single/pydicom/badVR.dcm": "!radiotherapy data",
    "dicom_single/pydicom/image_dfl.dcm": "!modality OT; MR is expected",
    "dicom_single/pydicom/reportsi.dcm": "!a structured report",
    "dicom_single/pydicom/test-SR.dcm": "!a structured report",
    "dicom_single/pydicom/examples_overlay.dcm": ONE_SLICE,
    "dicom_single/pydicom/examples_palette.dcm": r"!colour \(PALETTE COLOR\)",
    "dicom_single/pydicom/SC_rgb_*": "!colour",
    "dicom_single/pydicom/zipMR.gz": "!gzip-compressed; unpack it first",
    "dicom_single/pydicom/J*": "!modality (CT|NM); MR is expected",
    "dicom_single/pydicom/CT_small.dcm": "!modality CT; MR is expected",
    "dicom_single/pydicom/liver_1frame.dcm": "!not an image but a segmentation",
    "dicom_single/pydicom/MR_truncated.dcm": "!truncated: 62 bytes of pixels are missing",
    "dicom_single/pydicom/MR_small*": ONE_SLICE,
    "dicom_single/pydicom/no_meta.dcm": "!not a scan that can be read",
    "dicom_single/pydicom/*_*.dcm": NO_SERIES,  # data sets of a few tags
    "dicom_single/pydicom_data/parametric_map_float.dcm": "!not an image but a parametric map",
    "dicom_single/pydicom_data/MR2_J2K*": TWO_SLICES,  # two files, one series
    "dicom_single/pydicom_data/MR-SIEMENS-DICOM-WithOverlays.dcm": ONE_SLICE,
    "dicom_single/pydicom_data/*.dcm": "!modality CT; MR is expected",
    "dicom_single*": "!no usable series",
    # One image in nine encodings; tested below for equal voxels
    "dicom_transfer_syntax/dcm_qa_ts/*": MOSAIC,
    "dicom_transfer_syntax/dcm_qa_ts": MOSAIC,
    "dicom_transfer_syntax/dcm_qa_ts_ref/1.nii": COARSE,
    "dicom_transfer_syntax": MOSAIC,
    "[!/]*.md": "!not a scan that can be read",
    "SHA256SUMS": "!not a scan that can be read",
}


def entries():
    """All files and folders, except the middle files of long series."""
    if not DATA.is_dir():
        return []
    found = []
    for path in sorted(DATA.rglob("*")):
        inside = sorted(p for p in path.parent.iterdir() if p.is_file())
        long_series = path.parent.parent == DATA / "dicom_series" and path.suffix == ".dcm"
        if long_series and path not in (inside[0], inside[-1]):
            continue
        found.append(path.relative_to(DATA).as_posix())
    return found


def expectation(name):
    folder = DATA / name
    if folder.is_dir() and (name.startswith("nifti") or "expected" in name or "_ref" in name):
        return "!no DICOM file in it; to read '.*', pass that file"
    outcomes = [out for pattern, out in EXPECTED.items() if fnmatch.fnmatchcase(name, pattern)]
    assert outcomes, f"{name} is not in the table"
    return outcomes[0]


@pytest.mark.parametrize("name", entries())
def test_every_entry_has_its_outcome(name):
    outcome = expectation(name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if outcome.startswith("!"):
            with pytest.raises(InputError, match=outcome[1:]) as refused:
                read(DATA / name)
            assert Path(name).name in str(refused.value)
            return
        volume = read(DATA / name)
    messages = [str(w.message) for w in caught]
    assert all(issubclass(w.category, SpinalcordWarning) for w in caught), messages
    assert len(messages) == bool(outcome), messages
    if outcome:
        assert re.search(outcome, messages[0])
    assert min(volume.shape) >= 3
    assert volume.array.min() < volume.array.max()


def test_no_message_holds_a_patient_tag():
    pydicom = pytest.importorskip("pydicom")
    for path in sorted(DATA.glob("dicom_*/**/*.dcm"))[::7]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                text = repr(read(path))
            except InputError as error:
                text = str(error)
            text += " ".join(str(w.message) for w in caught)
            data = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        for key in ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber",
                    "InstitutionName", "ReferringPhysicianName", "StudyDate"):  # fmt: skip
            value = str(data.get(key, ""))
            if len(value) > 3:
                body = text.replace(str(path), "").replace(path.name, "")
                body = body.replace(str(data.get("SeriesInstanceUID", "")), "")
                assert value not in body, key


# ---- Voxels and affines against independent readers --------------------------------------------


def quietly(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpinalcordWarning)
        return read(path)


def same_anatomy(got, want, *, atol=0.0, affine_atol=1e-3):
    a, b = got.sagittal(), want.sagittal()
    assert a.shape == b.shape
    np.testing.assert_allclose(a.affine, b.affine, atol=affine_atol)
    assert np.ptp(b.array) > 0
    assert np.all(np.abs(a.array.astype(float) - b.array) <= atol)


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ("d2n_uncompressed", "generic_001"),
        ("d2n_implicit", "implicit_001"),
        ("d2n_compressed_j2k", "compressed_j2k"),
        ("d2n_compressed_jpeg", "compressed_jpeg"),
        ("d2n_compressed_jpegls", "compressed_jpegls"),
        ("d2n_compressed_rle", "compressed_rle"),
    ],
)
def test_series_equal_another_tools_conversion(series, expected):
    folder = DATA / "dicom_series"
    same_anatomy(quietly(folder / series), quietly(folder / "d2n_expected" / f"{expected}.nii.gz"))


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("philips_explicit/IM-0001-0170-0001.dcm", "philips_enhanced/anatomical/001_"),
        ("philips_implicit/IM1.dcm", "philips_enhanced/anatomical/001_implicit_"),
        ("siemens_multiframe/IM-0001-0001-0001.dcm", "siemens_multiframe/anatomical/001_"),
    ],
)
def test_enhanced_files_equal_another_tools_conversion(file, expected):
    folder = DATA / "dicom_enhanced"
    want = quietly(folder / "expected" / f"{expected}ground_truth.nii.gz")
    same_anatomy(quietly(folder / file), want, atol=1e-3)


def test_enhanced_series_equals_its_classic_export():
    classic = quietly(DATA / "dicom_series" / "xa30_sag_epi_classic_5001")
    enhanced = quietly(DATA / "dicom_enhanced" / "xa30_sag_epi" / "0063.dcm")
    assert classic.same_grid(enhanced, 1e-3)
    different = np.any(classic.array != enhanced.array, axis=(0, 1))
    assert np.count_nonzero(different) == 1
    assert np.count_nonzero(classic.array != enhanced.array) == 56


def test_nine_transfer_syntaxes_decode_to_equal_voxels():
    files = sorted((DATA / "dicom_transfer_syntax" / "dcm_qa_ts").iterdir())
    assert len({read_header(file).transfer_syntax for file in files}) == 7
    first, *others = read_pixels(files)
    assert len(others) == 8
    assert np.ptp(first) > 1000
    for other in others:
        np.testing.assert_array_equal(other, first)


SERIES = ["siemens_sag_2d_HFS", "philips_sag_mprage", "xa30_sag_epi_classic_5001", "d2n_implicit"]


@pytest.mark.parametrize("series", SERIES)
def test_classic_series_agree_with_pydicom(series):
    """Voxel by voxel, each placed in the patient from its own file's tags."""
    pydicom = pytest.importorskip("pydicom")
    volume = quietly(DATA / "dicom_series" / series)
    files = list((DATA / "dicom_series" / series).iterdir())
    assert len(files) == volume.shape[2]
    inverse = np.linalg.inv(volume.affine)
    seen = set()
    for file in files:
        data = pydicom.dcmread(file)
        pixels = data.pixel_array * float(data.get("RescaleSlope", 1))
        pixels = pixels + float(data.get("RescaleIntercept", 0))
        row, column = np.array(data.ImageOrientationPatient, float).reshape(2, 3)
        between_rows, between_columns = map(float, data.PixelSpacing)
        for r, c in [(0, 0), (data.Rows - 1, 3), (5, data.Columns - 1), (40, 50)]:
            place = np.array(data.ImagePositionPatient, float)
            place = place + row * between_columns * c + column * between_rows * r
            index = inverse @ (*(place * [-1, -1, 1]), 1)
            np.testing.assert_allclose(index[:2], (c, r), atol=0.02)
            k = round(index[2])
            assert abs(index[2] - k) < 0.02
        np.testing.assert_allclose(volume.array[..., k].T, pixels, rtol=1e-5, atol=1e-3)
        seen.add(k)
    assert seen == set(range(len(files)))


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_headers_agree_with_pydicom():
    pydicom = pytest.importorskip("pydicom")
    compared = 0
    for path in sorted(DATA.glob("dicom_*/**/*")):
        if not path.is_file() or path.suffix in (".gz", ".txt", ".nii"):
            continue
        try:
            header = read_header(path)
            data = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        except (DamagedHeaderError, EOFError):
            continue
        if header is None or "series_uid" not in header.tags:
            continue
        tags = header.tags
        assert tags["series_uid"] == data.SeriesInstanceUID
        assert tags.get("sop_uid") == data.SOPInstanceUID
        assert tags.get("rows") == data.get("Rows")
        for name, key in [("position", "ImagePositionPatient"), ("pixel_spacing", "PixelSpacing")]:
            if key in data and data[key].value:
                assert tags[name] == tuple(float(v) for v in data[key].value)
        for group, frame in zip(
            data.get("PerFrameFunctionalGroupsSequence") or [], tags.get("per_frame", []),
            strict=True,
        ):  # fmt: skip
            if "PlanePositionSequence" in group:
                want = group.PlanePositionSequence[0].ImagePositionPatient
                assert frame["plane_position"][0]["position"] == tuple(float(v) for v in want)
        compared += 1
    assert compared > 200


def test_simpleitk_places_the_series_alike():
    sitk = pytest.importorskip("SimpleITK")
    folder = DATA / "dicom_series" / "siemens_sag_2d_HFS"
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    theirs = Volume.from_any(sitk.ReadImage(names))
    ours = quietly(folder)
    assert ours.same_grid(theirs, 0.01)
    np.testing.assert_array_equal(ours.array, theirs.array)


def test_masks_lie_on_their_scans():
    for scan, mask in [
        ("nifti_cord/errsm_11/t2", "nifti_cord/errsm_11/t2_manual_segmentation"),
        ("nifti_lesion/t2_fake_lesion", "nifti_lesion/t2_fake_lesion_lesion_seg"),
    ]:
        volume = read(DATA / f"{scan}.nii.gz")
        assert 0 < read_mask(DATA / f"{mask}.nii.gz", like=volume).array.mean() < 0.05
    folder = DATA / "nifti_lesion" / "ivadomed_sub-unf01"
    volume = read(folder / "sub-unf01_T2w.nii.gz")
    with pytest.warns(SpinalcordWarning, match="rounded, it seems"):
        mask = read_mask(folder / "sub-unf01_T2w_lesion-manual.nii.gz", like=volume)
    assert mask.array.sum() > 0
    other = read(DATA / "nifti_cord" / "errsm_11" / "t2.nii.gz")
    # Nothing in NIfTI says whose coordinates these are: told, not guessed.
    with pytest.warns(SpinalcordWarning, match=r"resampled onto it.*axes 9\.2 degrees off"):
        read_mask(folder / "sub-unf01_T2w_lesion-manual.nii.gz", like=other)


def test_results_lie_on_the_scan_in_nibabel(tmp_path):
    for name in ["nifti_cord/errsm_11/t2.nii.gz", "nifti_lesion/ivadomed_sub-unf01/"
                 "sub-unf01_T2w.nii.gz", "nifti_cord/t2_lumbar.nii.gz"]:  # fmt: skip
        volume = read(DATA / name)
        path = writing.save_volume(volume.like(volume.array > 100), tmp_path / "m.nii.gz")
        given, made = nibabel.load(DATA / name), nibabel.load(path)
        np.testing.assert_array_equal(made.affine, given.affine)
        for key in ("qform_code", "sform_code"):
            assert made.header[key] == given.header[key]
    volume = quietly(DATA / "dicom_series" / "philips_sag_mprage")
    path = writing.save_volume(volume.like(volume.array > 100), tmp_path / "d.nii.gz")
    np.testing.assert_allclose(nibabel.load(path).affine, volume.affine, atol=1e-4)
