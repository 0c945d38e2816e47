"""Which series is meant: never a guess between two."""

from __future__ import annotations

import shutil

import pytest
from dicom_helpers import equal, put

from spinalcord.errors import SeriesError, SpinalcordWarning
from spinalcord.scans.reading import read

pytest.importorskip("SimpleITK")
pytest.importorskip("pydicom")
pytestmark = pytest.mark.filterwarnings("error::spinalcord.errors.SpinalcordWarning")


def test_sagittal_t2_is_preferred(tmp_path, maker):
    maker.classic(tmp_path / "t1", description="t1_tse_sag", RepetitionTime=500, EchoTime=9)
    maker.classic(tmp_path / "stir", description="t2_stir_sag")
    maker.classic(tmp_path / "axial", description="t2_tse_tra", plane="axial")
    maker.classic(tmp_path / "star", description="t2* medic sag")
    maker.classic(tmp_path / "loc", description="localizer", n=3)
    t1 = maker.classic(tmp_path / "late", description="sag t1", seed=8)
    t1_uid = maker.uid
    want = maker.classic(tmp_path / "t2", seed=9)
    equal(read(tmp_path), want)
    with pytest.warns(SpinalcordWarning, match="does not look T2-weighted.*weighting T1"):
        equal(read(tmp_path, series=t1_uid), t1)


def test_two_equally_good_series_are_listed_never_guessed(tmp_path, maker):
    first = maker.classic(tmp_path / "a", description="t2_sag_cervical", seed=1)
    a = maker.uid
    maker.classic(tmp_path / "b", description="t2_sag_thoracic", n=5)
    b = maker.uid
    with pytest.raises(SeriesError, match="several series are possible") as caught:
        read(tmp_path)
    text = str(caught.value)
    assert f"{a} 't2_sag_cervical', sagittal, 6 slices" in text
    assert f"{b} 't2_sag_thoracic', sagittal, 5 slices" in text
    equal(read(tmp_path, series=a), first)
    with pytest.raises(SeriesError, match=r"no series has the UID 1\.2\.9; there are:"):
        read(tmp_path, series="1.2.9")


def test_echoes_with_one_uid_are_told_apart_by_their_times(tmp_path, maker):
    tags = {"description": "pd+t2_tse_sag", "RepetitionTime": 3000}
    pd = maker.classic(tmp_path / "a", seed=1, EchoTime=12, **tags)
    uid = maker.uid
    t2 = maker.classic(tmp_path / "b", seed=2, EchoTime=95, uid=uid, **tags)
    for series in (None, uid, f"{uid}#2"):
        equal(read(tmp_path, series=series), t2)
    with pytest.warns(SpinalcordWarning, match="weighting PD"):
        equal(read(tmp_path, series=f"{uid}#1"), pd)


def test_dixon_images_with_one_uid_are_listed(tmp_path, maker):
    want = {}
    uid = None
    for n, kind in enumerate(["F", "IP", "W"]):
        edit = put("ImageType", ["DERIVED", "PRIMARY", kind])
        want[kind] = maker.classic(tmp_path / kind, seed=n, uid=uid, edit=edit)
        uid = maker.uid
    with pytest.raises(SeriesError, match=r"pass series=UID") as caught:
        read(tmp_path)
    assert f"{uid}#2 't2_tse_sag' (TE 100 ms, IP), sagittal, 6 slices" in str(caught.value)
    equal(read(tmp_path, series=f"{uid}#2"), want["IP"])
    equal(read(tmp_path, series=f"{uid}#3"), want["W"])


def test_two_series_with_one_uid_but_two_times_are_4d(tmp_path, maker):
    maker.classic(tmp_path / "a", seed=1)
    maker.classic(tmp_path / "b", seed=2, uid=maker.uid)
    with pytest.raises(SeriesError, match="12 images at 6 positions"):
        read(tmp_path)


def test_named_series_that_cannot_be_used(tmp_path, maker):
    maker.classic(tmp_path / "bad", plane="axial")
    bad = maker.uid
    maker.classic(tmp_path / "good")
    with pytest.raises(SeriesError, match="not sagittal-capable"):
        read(tmp_path, series=bad)


def test_copies_are_left_out_with_a_warning(tmp_path, maker):
    want = maker.classic(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    with pytest.warns(SpinalcordWarning, match=r"6 file\(s\) are copies of others"):
        equal(read(tmp_path), want)


def test_one_uid_for_all_images_does_not_make_them_copies(tmp_path, maker):
    want = maker.classic(tmp_path, edit=put("SOPInstanceUID", "1.2.3"))
    equal(read(tmp_path), want)


def test_time_points_in_several_files_are_listed(tmp_path, maker):
    maker.enhanced(tmp_path / "t0.dcm")
    want = maker.enhanced(tmp_path / "t1.dcm", uid=maker.uid, seed=3)
    for series in (None, maker.uid):
        with pytest.raises(SeriesError, match=r"pass one of these files.*\n.*t0.*\n.*t1"):
            read(tmp_path, series=series)
    equal(read(tmp_path / "t1.dcm"), want)


def test_echoes_in_one_file_are_told_apart(tmp_path, maker):
    def edit(data):
        for n, group in enumerate(data.PerFrameFunctionalGroupsSequence):
            group.MREchoSequence[0].EffectiveEchoTime = (10.0, 100.0)[n % 2]

    values, affine = maker.enhanced(
        tmp_path / "mf.dcm", n=3, order=[0, 0, 1, 1, 2, 2], edit=edit, description=""
    )
    volume = read(tmp_path)
    equal(volume, (values, affine))
    assert volume.source.details["weighting"] == "T2"


def test_enhanced_files_of_one_frame_each_make_a_series(tmp_path, maker):
    values, affine = maker.enhanced(tmp_path / "whole.dcm", n=4)
    import pydicom

    whole = pydicom.dcmread(tmp_path / "whole.dcm")
    groups, pixels = list(whole.PerFrameFunctionalGroupsSequence), whole.PixelData
    size = len(pixels) // 4
    for k in (2, 0, 3, 1):
        whole.NumberOfFrames = 1
        whole.SOPInstanceUID = whole.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{k}"
        whole.PerFrameFunctionalGroupsSequence = [groups[k]]
        whole.PixelData = pixels[k * size : (k + 1) * size]
        maker.save(whole, tmp_path / "single" / f"{3 - k}.dcm")
    equal(read(tmp_path / "single"), (values, affine))
    equal(read(tmp_path / "single" / "1.dcm"), (values, affine))


def test_concatenations_are_refused(tmp_path, maker):
    maker.enhanced(tmp_path / "mf.dcm", InConcatenationTotalNumber=2)
    with pytest.raises(SeriesError, match="one of 2 files that make up one image"):
        read(tmp_path / "mf.dcm")


def stray(folder, maker, uid, **changes):
    """One more image of a series, with tags of its own."""

    def edit(data, k):
        data.SeriesInstanceUID = uid
        for name, value in changes.items():
            if value is None:
                delattr(data, name)
            else:
                setattr(data, name, value)

    maker.classic(folder, n=1, seed=7, edit=edit)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ImageType": ["DERIVED", "SECONDARY", "LOCALIZER"]}, "localizer"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "screen save"),
        ({"ImagePositionPatient": None}, "image without position and orientation"),
        (
            {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"],
             "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
            "localizer",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("named", [False, True])
def test_a_stray_image_is_excluded_from_its_series_and_told(tmp_path, maker, changes, why, named):
    want = maker.classic(tmp_path / "a", n=8)
    uid = maker.uid
    stray(tmp_path / "b", maker, uid, **changes)
    with pytest.warns(SpinalcordWarning, match=f"1 of 9 images .* excluded: {why}"):
        equal(read(tmp_path, series=uid if named else None), want)


def test_three_planes_without_a_word_on_them_stay_refused(tmp_path, maker):
    maker.classic(tmp_path / "a", n=3)
    maker.classic(tmp_path / "b", n=3, plane="axial", uid=maker.uid)
    with pytest.raises(SeriesError, match="mixed orientations"):
        read(tmp_path)


def test_a_series_of_strays_alone_is_no_scan(tmp_path, maker):
    maker.classic(tmp_path, edit=put("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]))
    with pytest.raises(SeriesError, match="a localizer"):
        read(tmp_path)
