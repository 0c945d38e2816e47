"""Slices form a regular grid, or are refused by name."""

from __future__ import annotations

import re

import numpy as np
import pytest
from dicom_helpers import drop, equal, leave_out, put, read_quietly

from spinalcord.errors import InputError, SeriesError, SpinalcordWarning
from spinalcord.scans.reading import read

pytest.importorskip("SimpleITK")
pytest.importorskip("pydicom")
pytestmark = pytest.mark.filterwarnings("error::spinalcord.errors.SpinalcordWarning")


def test_slightly_uneven_gaps_are_warned_of(tmp_path, maker):
    want = maker.classic(tmp_path, at=[0, 4, 8, 12.2, 16.2, 20.2])
    with pytest.warns(SpinalcordWarning, match=r"slightly uneven slice gaps \(4 to 4\.2 mm\)"):
        equal(read(tmp_path), want)


def test_rounded_positions_are_not_worth_a_warning(tmp_path, maker):
    equal(read_quietly(tmp_path, maker, at=[0, 3.3, 6.65, 9.9, 13.2]), maker.want)


def test_staggered_sagittal_stack_keeps_its_shear(tmp_path, maker):
    def edit(data, k):
        x, y, z = data.ImagePositionPatient
        data.ImagePositionPatient = [x, y, z + 0.4 * k]

    _, affine = maker.classic(tmp_path, edit=edit)
    affine[2, 2] += 0.4
    with pytest.warns(SpinalcordWarning, match=r"sheared by 6\.9 degrees"):
        volume = read(tmp_path)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-5)


REFUSED = {
    "missing slice": (
        {"edit": leave_out(2)}, r"1 slice\(s\) missing \(a gap of 6\.6 mm in steps of 3\.3 mm\)",
    ),
    "two missing": ({"n": 9, "edit": lambda d, k: k not in (3, 4)}, r"2 slice\(s\) missing"),
    "uneven": ({"at": [0, 4, 8, 13, 17, 21]}, r"uneven slice gaps \(4 to 5 mm\)"),
    "same position": ({"at": [0, 4, 4, 8, 12]}, r"5 images at 4 positions"),
    "two echoes": ({"at": [0, 0, 4, 4, 8, 8]}, r"6 images at 3 positions.* so 4-D"),
    "mixed planes": (
        {"edit": put("ImageOrientationPatient", [1, 0, 0, 0, 1, 0], only=3)},
        r"mixed orientations \(axial and sagittal\)",
    ),
    "turned slice": (
        {"edit": put("ImageOrientationPatient", [0, 0.9998, 0.02, 0, 0.02, -0.9998], only=0)},
        r"mixed orientations \(1\.1 degrees\)",
    ),
    "mixed sizes": ({"edit": put("Rows", 6, only=1)}, "mixed image sizes"),
    "mixed spacing": ({"edit": put("PixelSpacing", [1.0, 0.9], only=1)}, "mixed pixel sizes"),
    "shifted slice": (
        {"edit": put("ImagePositionPatient", [-26.6, -44.5, 60.25], only=2)},
        "shifted against each other",
    ),
    "two slices": ({"n": 2}, r"2 slice\(s\); at least 3 are expected"),
    "axial": ({"plane": "axial"}, r"not sagittal-capable \(voxels of 3\.3 mm head to foot"),
    "coronal": ({"plane": "coronal"}, "not sagittal-capable.*3.3 mm front to back"),
    "localizer": ({"description": "AAHead_Scout"}, "a localizer"),
    "localizer by type": (
        {"edit": put("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"])}, "a localizer",
    ),
    "mosaic": ({"edit": put("ImageType", ["ORIGINAL", "PRIMARY", "M", "MOSAIC"])}, "a mosaic"),
    "CT": ({"Modality": "CT"}, "modality CT; MR is expected"),
    "inverted": ({"PhotometricInterpretation": "MONOCHROME1"}, "inverted grey values"),
    "colour": (
        {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, r"colour \(RGB\)",
    ),
    "palette": ({"PhotometricInterpretation": "PALETTE COLOR"}, r"colour \(PALETTE COLOR\)"),
    "no position": ({"edit": drop("ImagePositionPatient")}, "no position in the patient"),
    "no orientation": ({"edit": drop("ImageOrientationPatient")}, "no orientation in the patient"),
    "no spacing": ({"edit": drop("PixelSpacing")}, "no pixel spacing in the patient"),
    "no cosines": (
        {"edit": put("ImageOrientationPatient", [0, 1, 0, 0, 1, 0])}, "not perpendicular",
    ),
    "zero spacing": ({"edit": put("PixelSpacing", [0, 0])}, "pixel spacing is not positive"),
    "no pixels": ({"edit": drop("PixelData")}, "no pixel data"),
    "report": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.33"}, "but a structured report"),
    "segmentation": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4"}, "but a segmentation"),
    "dose": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.481.2"}, "but radiotherapy data"),
    "presentation": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.11.1"}, "a presentation state"),
    "short pixels": (
        {"edit": lambda d, k: setattr(d, "PixelData", d.PixelData[:-20]) if k == 1 else None},
        r"IM\d+ is truncated by 20 bytes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(tmp_path, maker, name):
    options, message = REFUSED[name]
    maker.classic(tmp_path, **options)
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path)
    text = str(caught.value)
    assert str(tmp_path) in text
    assert not re.search("doe|jane|secret7|19700101", text.lower())
    if isinstance(caught.value, SeriesError):
        assert maker.uid in text


def test_gantry_tilt_is_refused(tmp_path, maker):
    def edit(data, k):
        x, y, z = data.ImagePositionPatient
        data.ImagePositionPatient = [x, y + 0.25 * k, z]

    maker.step_mm = 1.0
    maker.classic(tmp_path, plane="axial", edit=edit)
    with pytest.raises(SeriesError, match=r"gantry tilt: slices are stacked 14\.0 degrees"):
        read(tmp_path)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("order", [None, [3, 0, 5, 1, 4, 2]])
def test_frames_are_ordered_by_their_own_positions(tmp_path, maker, order, shared):
    want = maker.enhanced(tmp_path / "mf.dcm", order=order, shared=shared, oblique_deg=8.0)
    for path in (tmp_path / "mf.dcm", tmp_path):
        volume = read(path)
        equal(volume, want)
        assert volume.source.details["weighting"] == "T2"


def test_time_points_in_one_file_are_4d(tmp_path, maker):
    maker.enhanced(tmp_path / "mf.dcm", n=3, order=[0, 0, 1, 1, 2, 2])
    with pytest.raises(SeriesError, match="6 images at 3 positions"):
        read(tmp_path)


def test_frames_without_groups_are_refused(tmp_path, maker):
    def edit(data):
        del data.PerFrameFunctionalGroupsSequence

    maker.enhanced(tmp_path / "mf.dcm", edit=edit)
    with pytest.raises(SeriesError, match="6 frames, but no functional groups to say where"):
        read(tmp_path)


def test_missing_groups_are_refused(tmp_path, maker):
    def edit(data):
        data.PerFrameFunctionalGroupsSequence.pop()

    maker.enhanced(tmp_path / "mf.dcm", edit=edit)
    with pytest.raises(SeriesError, match="6 frames, but 5 functional groups"):
        read(tmp_path)


def test_a_missing_frame_is_refused(tmp_path, maker):
    maker.enhanced(tmp_path / "mf.dcm", n=7, order=[0, 1, 2, 4, 5, 6])
    with pytest.raises(SeriesError, match=r"1 slice\(s\) missing"):
        read(tmp_path)


@pytest.mark.parametrize("other", ["0.80000001", "0.8001", "0.8004"])
def test_pixel_spacing_that_differs_by_rounding_is_one(tmp_path, maker, other):
    array, affine = maker.classic(
        tmp_path, edit=lambda d, k: setattr(d, "PixelSpacing", [other if k % 2 else "0.8", "0.9"])
    )
    volume = read(tmp_path)
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.affine, affine, atol=0.002)


def test_pixel_spacing_that_differs_truly_is_refused(tmp_path, maker):
    maker.classic(
        tmp_path, edit=lambda d, k: setattr(d, "PixelSpacing", [0.8 if k % 2 else 0.81, 0.9])
    )
    with pytest.raises(SeriesError, match=r"mixed pixel sizes \(0\.8 to 0\.9 mm\)"):
        read(tmp_path)
