from __future__ import annotations

import numpy as np
import pydicom
import pytest

import spinalcord as sc
from spinalcord.errors import InputError
from spinalcord.phantom import make_case
from spinalcord.phantom.dicom_series import save_series

SETTINGS = {
    "RepetitionTime": 3.5, "EchoTime": 0.1, "MagneticFieldStrength": 3.0, "EchoTrainLength": 15,
    "SliceThickness": 3.0, "SpacingBetweenSlices": 3.3,
}  # fmt: skip


@pytest.fixture(scope="module")
def case():
    return make_case("MS", 4, region="cervical", kind="2d", orientation="PIR")


def test_reading_gives_back_voxels_and_grid(case, tmp_path):
    save_series(case.t2, tmp_path / "t2", "sub-0001", "T2w", SETTINGS, entropy=5)
    scan = sc.read(tmp_path / "t2")
    assert scan.same_grid(case.t2)
    np.testing.assert_array_equal(scan.array, case.t2.array)


def test_tags_say_what_it_is_and_uids_repeat(case, tmp_path):
    for name in ("a", "b"):
        save_series(case.t2, tmp_path / name, "sub-0001", "T2w", SETTINGS, entropy=5)
    first, second = (pydicom.dcmread(tmp_path / name / "0001.dcm") for name in ("a", "b"))
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert first.SOPInstanceUID == second.SOPInstanceUID
    assert (first.Modality, first.PatientID) == ("MR", "sub-0001")
    assert (float(first.EchoTime), float(first.RepetitionTime)) == (100.0, 3500.0)
    assert "phantom" in first.Manufacturer


@pytest.mark.slow
def test_other_volumes_are_refused(case, tmp_path):
    other = make_case(None, 4, region="cervical", kind="2d")
    with pytest.raises(InputError, match="PIR"):
        save_series(other.t2, tmp_path / "x", "a", "T2w", SETTINGS, entropy=1)
