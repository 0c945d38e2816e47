"""Every kind of annotation comes to the grid of the scan by one function."""

from __future__ import annotations

import warnings

import nibabel
import numpy as np
import pytest
from annotations import (
    AFFINE,
    make_arrays,
    make_series,
    outline,
    write_rtstruct,
    write_seg,
    write_slicer,
)

from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.scans.annotations import read_annotation, read_structure
from spinalcord.scans.reading import read, read_mask
from spinalcord.scans.volume import Volume


@pytest.fixture
def series(tmp_path):
    _, lesion, cord = make_arrays()
    folder = make_series(tmp_path / "dicom")
    return folder, read(folder), lesion, cord


def silently(mask, like, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error", SpinalcordWarning)
        return read_annotation(mask, like=like, **options)


@pytest.mark.parametrize("layers", [False, True])
@pytest.mark.parametrize("crop", [False, True])
def test_segments_of_slicer(tmp_path, layers, crop):
    array, lesion, cord = make_arrays()
    scan = Volume(array, AFFINE)
    parts = {"Spinal cord": cord & ~lesion, "MS lesion": lesion}
    path = write_slicer(tmp_path / "a.seg.nrrd", scan, parts, layers=layers, crop=crop)
    found = silently(path, scan)
    np.testing.assert_array_equal(found.lesion.array, lesion)
    np.testing.assert_array_equal(found.cord.array, cord & ~lesion)
    assert found.lesion.array.dtype == np.uint8
    assert found.files == (path,)
    assert found.doubts == found.unannotated == ()
    np.testing.assert_array_equal(
        read_structure(path, like=scan, structure="cord").array, cord & ~lesion
    )


@pytest.mark.parametrize("named", [True, False])
def test_oedema_and_cyst_are_measured_and_are_no_lesion(tmp_path, named):
    array, lesion, cord = make_arrays()
    scan = Volume(array, AFFINE)
    oedema, cyst = np.zeros((2, *scan.shape), bool)
    oedema[18:24, 4:10, 3] = cyst[18:20, 22:25, 3] = True
    parts = {"cord": cord & ~(lesion | oedema | cyst), "Lesion": lesion, "Edema": oedema}
    parts |= {"Syrinx": cyst}
    if named:
        path, label = write_slicer(tmp_path / "a.seg.nrrd", scan, parts), None
    else:
        values = sum(k * part.astype(np.uint8) for k, part in enumerate(parts.values(), 1))
        path, label = tmp_path / "a.nii.gz", {"cord": 1, "lesion": 2, "oedema": 3, "cyst": 4}
        nibabel.Nifti1Image(values, AFFINE).to_filename(path)
    with pytest.warns(SpinalcordWarning, match=r"oedema \(76 mm³\) and cyst \(13 mm³\)"):
        found = read_annotation(path, like=scan, label=label)
    np.testing.assert_array_equal(found.lesion.array, lesion)
    assert {k: v.array.tolist() for k, v in found.others.items()} == {
        "oedema": oedema.astype(int).tolist(), "cyst": cyst.astype(int).tolist(),
    }  # fmt: skip


def test_old_segments_of_slicer_have_a_layer_each_and_no_value(tmp_path):
    array, lesion, cord = make_arrays()
    scan = Volume(array, AFFINE)
    parts = {"cord": cord, "lesion": lesion}
    path = write_slicer(tmp_path / "a.seg.nrrd", scan, parts, layers=True, named=False)
    np.testing.assert_array_equal(silently(path, scan).lesion.array, lesion)


def test_which_segment_is_lesion(tmp_path):
    array, lesion, cord = make_arrays()
    scan = Volume(array, AFFINE)
    path = write_slicer(tmp_path / "a.seg.nrrd", scan, {"A": cord & ~lesion, "B": lesion})
    with pytest.raises(InputError, match="no segment is called a lesion's; there are 'A', 'B'"):
        read_mask(path, like=scan)
    with pytest.raises(InputError, match="no segment 'C'"):
        read_mask(path, like=scan, label="C")
    with pytest.raises(InputError, match=r"2 segments .*no number 3"):
        read_mask(path, like=scan, label=3)
    for label in ("b", 2, {"lesion": "B", "cord": "A"}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpinalcordWarning)
            found = read_annotation(path, like=scan, label=label)
        np.testing.assert_array_equal(found.lesion.array, lesion)
        assert (found.cord is not None) == isinstance(label, dict)
    with pytest.warns(SpinalcordWarning, match="segments 'A' were not used"):
        read_mask(path, like=scan, label="B")
    with pytest.raises(InputError, match="no segment is called cord"):
        read_structure(path, like=scan, structure="cord")
    with pytest.warns(SpinalcordWarning, match="segments 'B' were not used"):
        inside = read_structure(path, like=scan, structure="cord", label="A")
    np.testing.assert_array_equal(inside.array, cord & ~lesion)
    named = write_slicer(tmp_path / "b.seg.nrrd", scan, {"cord": cord & ~lesion, "lesion": lesion})
    values = silently(named, scan, label={"lesion": 7, "cord": 9})  # values of label maps alone
    np.testing.assert_array_equal(values.lesion.array, lesion)


def test_a_label_map_with_a_stated_map(tmp_path):
    array, lesion, cord = make_arrays()
    scan = Volume(array, AFFINE)
    values = np.where(lesion, 2, np.where(cord, 1, 0)).astype(np.uint8)
    nibabel.Nifti1Image(values, AFFINE).to_filename(tmp_path / "snap.nii.gz")
    found = silently(tmp_path / "snap.nii.gz", scan, label={"lesion": 2, "cord": 1})
    np.testing.assert_array_equal(found.lesion.array, lesion)
    np.testing.assert_array_equal(found.cord.array, values == 1)
    with pytest.raises(InputError, match="values without names, so no segment 'plaque'"):
        read_mask(tmp_path / "snap.nii.gz", like=scan, label="plaque")


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL"])
def test_dicom_segmentations(tmp_path, series, kind):
    folder, scan, lesion, cord = series
    frames = [np.moveaxis(part, -1, 0).transpose(0, 2, 1) for part in (cord, lesion)]
    path = write_seg(
        tmp_path / "seg.dcm", folder, {"cord": frames[0], "lesion": frames[1] * 0.7}, kind=kind
    ) if kind == "FRACTIONAL" else write_seg(
        tmp_path / "seg.dcm", folder, {"cord": frames[0], "lesion": frames[1]}, kind=kind
    )  # fmt: skip
    found = silently(path, scan)
    np.testing.assert_array_equal(found.lesion.array, lesion)
    np.testing.assert_array_equal(found.cord.array, cord)
    sparse = write_seg(
        tmp_path / "alone" / "seg.dcm", folder, {"Segment_1": frames[1]}, keep_empty=False
    )
    for given in (sparse, sparse.parent):
        np.testing.assert_array_equal(read_mask(given, like=scan).array, lesion)


def test_structure_sets(tmp_path, series):
    folder, scan, lesion, cord = series
    curves = {"Lesion": outline(lesion, scan.affine), "Cord": outline(cord, scan.affine)}
    path = write_rtstruct(tmp_path / "rt.dcm", folder, curves)
    found = silently(path, scan)
    np.testing.assert_array_equal(found.lesion.array, lesion)
    np.testing.assert_array_equal(found.cord.array, cord)
    oblique = [np.array([(0, 0, 0), (9, 0, 3), (9, 9, 6), (0, 9, 3.0)])]
    path = write_rtstruct(tmp_path / "oblique.dcm", folder, {"lesion": oblique})
    with pytest.raises(InputError, match="the curves of 'lesion' lie oblique"):
        read_mask(path, like=scan)
    path = write_rtstruct(tmp_path / "empty.dcm", folder, {"lesion": []})
    with pytest.raises(InputError, match="without closed curves"):
        read_mask(path, like=scan)


def test_axial_curves_fill_the_space_between_them(tmp_path, series):
    folder, scan, _, _ = series
    lps = np.diag([-1, -1, 1, 1]) @ scan.affine
    curves = []
    for row in range(10, 22, 3):
        corners = [
            (16.6, row, 2.6, 1),
            (16.6, row, 5.4, 1),
            (24.4, row, 5.4, 1),
            (24.4, row, 2.6, 1),
        ]
        curves.append((np.array(corners) @ lps.T)[:, :3])
    path = write_rtstruct(tmp_path / "rt.dcm", folder, {"lesion": curves})
    with pytest.warns(SpinalcordWarning, match="not on the scan's grid, but resampled onto it"):
        inside = read_mask(path, like=scan).array
    held = np.argwhere(inside)
    assert held.min(0).tolist() == [17, 9, 3]
    assert held.max(0).tolist() == [24, 20, 5]


def test_another_frame_of_reference_is_refused(tmp_path, series):
    folder, scan, lesion, _ = series
    pydicom = pytest.importorskip("pydicom")
    path = write_rtstruct(tmp_path / "rt.dcm", folder, {"Lesion": outline(lesion, scan.affine)})
    data = pydicom.dcmread(path)
    data.StructureSetROISequence[0].ReferencedFrameOfReferenceUID = "1.2.3"
    data.save_as(path)
    with pytest.raises(InputError, match="another frame of reference") as told:
        read_mask(path, like=scan)
    assert "1.2.3" not in str(told.value)


def test_damaged_objects_are_named(tmp_path, series):
    folder, scan, lesion, _ = series
    pydicom = pytest.importorskip("pydicom")
    frames = np.moveaxis(lesion, -1, 0).transpose(0, 2, 1)
    path = write_seg(tmp_path / "seg.dcm", folder, {"lesion": frames})
    data = pydicom.dcmread(path)
    del data.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence
    data.save_as(path)
    with pytest.raises(InputError, match=r"not a readable DICOM segmentation \(frame 1 has no"):
        read_mask(path, like=scan)
    path = write_rtstruct(tmp_path / "rt.dcm", folder, {"lesion": outline(lesion, scan.affine)})
    data = pydicom.dcmread(path)
    del data.ROIContourSequence
    data.save_as(path)
    with pytest.raises(InputError, match="not a readable DICOM structure set"):
        read_mask(path, like=scan)


# ---- Other grids ------------------------------------------------------------------------------


def test_a_finer_grid_is_resampled_and_the_distance_told():
    array, lesion, _ = make_arrays()
    scan = Volume(array, AFFINE)
    fine = np.kron(lesion, np.ones((2, 2, 1), np.uint8))
    affine = AFFINE.copy()
    affine[:, :2] /= 2
    affine[:3, 3] += AFFINE[:3, :2] @ (-0.25, -0.25)
    with pytest.warns(SpinalcordWarning, match=r"lie up to 0\.28 mm .*, its axes 0\.0 degrees off"):
        mask = read_mask(Volume(fine, affine), like=scan)
    np.testing.assert_array_equal(mask.array, lesion)


def test_a_turned_grid_keeps_place_and_volume():
    array, lesion, _ = make_arrays()
    scan = Volume(array, AFFINE)
    angle = np.radians(10)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = turn @ np.diag([1.0, 0.8, 0.8, 1.0])
    affine[:3, 3] = turn[:3, :3] @ (-25, -25, -25)
    n = (60, 60, 60)
    points = np.stack(np.meshgrid(*map(np.arange, n), indexing="ij"), -1) @ affine[:3, :3].T
    there = (points + affine[:3, 3]) @ np.linalg.inv(AFFINE)[:3, :3].T + np.linalg.inv(AFFINE)[
        :3, 3
    ]
    index = np.rint(there).astype(int)
    held = ((index >= 0) & (index < scan.shape)).all(-1)
    drawn = np.zeros(n, np.uint8)
    drawn[held] = lesion[tuple(index[held].T)]
    with pytest.warns(SpinalcordWarning, match=r"its axes 10\.0 degrees off"):
        mask = read_mask(Volume(drawn, affine), like=scan)
    assert 2 * (mask.array & lesion).sum() / (mask.array.sum() + lesion.sum()) > 0.93


def test_places_that_the_scan_does_not_show():
    array, lesion, _ = make_arrays()
    scan = Volume(array, AFFINE)
    aside = AFFINE.copy()
    aside[0, 3] += 15
    for signs, way in (((-1, 1), "left-right"), ((-1, -1), "left-right and front-back")):
        mirrored = np.diag([*signs, 1.0, 1.0]) @ aside
        with pytest.raises(InputError, match=f"its mirror image, {way}: it was written"):
            read_mask(Volume(lesion.astype(np.uint8), mirrored), like=Volume(array, aside))
    affine = AFFINE.copy()
    affine[2, 3] += 12
    with pytest.warns(SpinalcordWarning, match="of it lies beyond the scan and is ignored"):
        read_mask(Volume(lesion.astype(np.uint8), affine), like=scan)
    affine[2, 3] += 300
    with pytest.raises(InputError, match=r"nor where the scan is.*100% of it lies beyond the scan"):
        read_mask(Volume(lesion.astype(np.uint8), affine), like=scan)
    dot = np.zeros((40, 48, 9), np.uint8)
    dot[20, 20, 4] = 1
    small = AFFINE.copy()
    small[:, :3] /= 9
    small[:3, 3] = AFFINE[:3, :3] @ (20.3, 20.3, 4.3) + AFFINE[:3, 3]
    with pytest.raises(InputError, match="nothing is left of it"):
        read_mask(Volume(dot, small), like=scan)


def test_template_space_is_refused(tmp_path):
    array, lesion, _ = make_arrays()
    scan = Volume(array, AFFINE)
    image = nibabel.Nifti1Image(lesion[2:].astype(np.uint8), AFFINE)
    image.set_sform(AFFINE, 4)
    image.to_filename(tmp_path / "m.nii.gz")
    with pytest.raises(InputError, match=r"it lies in MNI space \(sform_code 4\)"):
        read_mask(tmp_path / "m.nii.gz", like=scan)


# ---- What was not annotated, what cannot be true ----------------------------------------------


def test_slices_that_nobody_has_drawn_on():
    array, lesion, _ = make_arrays()
    scan = Volume(array, AFFINE)
    drawn = np.zeros(scan.shape, np.uint8)
    drawn[18:24, 10:22, [2, 4, 8]] = 1
    with pytest.warns(SpinalcordWarning, match="4 of 9 slices were not annotated"):
        assert read_annotation(scan.like(drawn), like=scan).unannotated == (3, 5, 6, 7)
    drawn[:, :, 8] = 0
    drawn[:, :, 4] = np.roll(drawn[:, :, 2], 20, axis=1)  # elsewhere: another lesion
    assert silently(scan.like(drawn), scan).unannotated == ()
    stated = lesion.astype(np.uint8)
    stated[0, 0, 6:] = 9
    with pytest.warns(SpinalcordWarning, match="3 of 9 slices"):
        found = read_annotation(scan.like(stated), like=scan, label={"lesion": 1, "unannotated": 9})
    assert found.unannotated == (6, 7, 8)


def test_empty_planes_of_a_segmentation_are_annotated_and_absent_ones_are_not(tmp_path, series):
    folder, scan, lesion, _ = series
    pydicom = pytest.importorskip("pydicom")
    frames = np.moveaxis(lesion, -1, 0).transpose(0, 2, 1)
    path = write_seg(tmp_path / "seg.dcm", folder, {"lesion": frames})
    assert silently(path, scan).unannotated == ()
    data = pydicom.dcmread(path)
    data.NumberOfFrames = 7
    data.PerFrameFunctionalGroupsSequence = data.PerFrameFunctionalGroupsSequence[:7]
    data.PixelData = data.PixelData[: -(-7 * 40 * 48 // 8)]
    data.save_as(path)
    with pytest.warns(SpinalcordWarning, match="2 of 9 slices were not annotated"):
        assert len(read_annotation(path, like=scan).unannotated) == 2


def test_doubtful_masks_are_reported():
    array, lesion, cord = make_arrays()
    array = array.copy()
    array[:, 30:] = 2
    scan = Volume(array, AFFINE)
    beside = np.zeros(lesion.shape, np.uint8)
    beside[10:20, 34:44, 3:5] = 1
    with pytest.warns(SpinalcordWarning, match=r"100% of the lesion mask lie outside the patient"):
        assert len(read_annotation(scan.like(beside), like=scan).doubts) == 1
    assert silently(scan.like(lesion.astype(np.uint8)), scan).doubts == ()
    half = cord.copy()
    half[:, :, 4:] = False
    both = np.where(lesion[:, :, ::-1], 2, half).astype(np.uint8)
    with pytest.warns(SpinalcordWarning, match="seems to be flipped left-right"):
        read_annotation(scan.like(both), like=scan, label={"lesion": 2, "cord": 1})
    flipped = scan.like(lesion[:, :, ::-1].astype(np.uint8))
    with pytest.warns(SpinalcordWarning, match="seems to be flipped left-right"):
        found = read_annotation(flipped, like=scan, cord=scan.like(half.astype(np.uint8)))
    assert len(found.doubts) == 1
