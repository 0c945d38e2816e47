"""DICOM series: ordered by position, checked frame by frame, chosen without a guess."""

from __future__ import annotations

import contextlib
import re
import shutil
import struct
import warnings
import zipfile
import zlib

import numpy as np
import pytest

from spinalcord.errors import InputError, SeriesError, SpinalcordWarning
from spinalcord.reading import read
from spinalcord.reading.header import read_header
from spinalcord.volume import Volume

pytest.importorskip("SimpleITK")
pytest.importorskip("pydicom")


def equal(volume, want, *, atol=0.0):
    array, affine = want
    if atol:
        np.testing.assert_allclose(volume.array, array, atol=atol, rtol=0)
    else:
        np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-5)


@pytest.fixture(autouse=True)
def _no_warning_unless_expected(recwarn):
    yield
    ours = [str(w.message) for w in recwarn.list if issubclass(w.category, SpinalcordWarning)]
    assert not ours


# ---- What is taken -----------------------------------------------------------------------------


@pytest.mark.parametrize("oblique_deg", [0.0, 14.0])
def test_slices_are_ordered_by_position_never_by_instance_number(tmp_path, maker, oblique_deg):
    want = maker.classic(tmp_path, oblique_deg=oblique_deg)
    volume = read(tmp_path)
    equal(volume, want)
    assert volume.array.dtype == np.uint16
    assert volume.source.kind == "dicom"
    assert len(volume.source.files) == 6
    assert volume.source.details["weighting"] == "T2"
    if not oblique_deg:
        assert volume.orientation.codes == "PIR"


def test_isotropic_volumes_of_any_plane_are_taken(tmp_path, maker):
    maker.step_mm = 1.0
    for plane in ("axial", "coronal"):
        equal(read_quietly(tmp_path / plane, maker, plane=plane), maker.want)


def read_quietly(folder, maker, **options):
    maker.want = maker.classic(folder, **options)
    return read(folder)


def test_a_file_stands_for_its_series_in_its_folder(tmp_path, maker):
    maker.classic(tmp_path / "other", seed=5)
    shutil.move(tmp_path / "other" / "IM0000", tmp_path / "stranger")
    want = maker.classic(tmp_path, n=5)
    equal(read(tmp_path / "IM0003"), want)


def test_folders_are_searched_and_other_files_passed_over(tmp_path, maker):
    want = maker.classic(tmp_path / "a")
    (tmp_path / "b" / "c").mkdir(parents=True)
    for n, path in enumerate(sorted((tmp_path / "a").iterdir())[::2]):
        shutil.move(path, tmp_path / "b" / "c" / f"{n}.IMA")
    (tmp_path / "notes.txt").write_text("not a scan")
    (tmp_path / "b" / "DICOMDIR").write_bytes(b"")
    (tmp_path / "b" / "link").symlink_to("nowhere")
    equal(read(tmp_path), want)


def test_zip(tmp_path, maker):
    want = maker.classic(tmp_path / "a")
    with zipfile.ZipFile(tmp_path / "scan.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for n, path in enumerate(sorted((tmp_path / "a").iterdir())):
            # The same name in two folders, and one that would climb out.
            archive.write(path, f"../../x{n % 2}/IM" if n < 2 else f"deep/er/{path.name}")
        archive.writestr("readme.txt", "hello")
    volume = read(tmp_path / "scan.zip")
    equal(volume, want)
    assert volume.source.path == tmp_path / "scan.zip"
    assert volume.source.files == (tmp_path / "scan.zip",)
    (tmp_path / "scan.zip").rename(tmp_path / "scan")  # known by its content
    equal(read(tmp_path / "scan"), want)


def test_rescale_slope_is_that_of_each_slice(tmp_path, maker):
    def edit(data, k):
        data.RescaleSlope, data.RescaleIntercept = str(0.5 + 0.25 * k), str(-k)

    pixels, affine = maker.classic(tmp_path, edit=edit)
    k = np.arange(6)
    volume = read(tmp_path)
    assert volume.array.dtype == np.float32
    equal(volume, (pixels * (0.5 + 0.25 * k) - k, affine), atol=1e-3)


def test_signed_pixels(tmp_path, maker):
    def edit(data, k):
        data.PixelRepresentation, data.BitsStored, data.HighBit = 1, 16, 15
        data.PixelData = (np.frombuffer(data.PixelData, np.int16) - 2000).tobytes()

    pixels, affine = maker.classic(tmp_path, edit=edit)
    equal(read(tmp_path), (pixels.astype(int) - 2000, affine))


@pytest.mark.parametrize("syntax", ["ImplicitVRLittleEndian", "DeflatedExplicitVRLittleEndian"])
def test_other_encodings(tmp_path, maker, syntax):
    import pydicom

    def edit(data, k):
        data.file_meta.TransferSyntaxUID = getattr(pydicom.uid, syntax)

    equal(read_quietly(tmp_path, maker, edit=edit), maker.want)


def test_descriptions_and_private_sequences_do_not_disturb_the_walk(tmp_path, maker):
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    def edit(data, k):
        deep = Dataset()
        deep.ImagePositionPatient = [9, 9, 9]  # not the image's own
        deep.SeriesInstanceUID = "1.2.3"
        deep.is_undefined_length_sequence_item = True
        data.ReferencedImageSequence = Sequence([deep])
        data["ReferencedImageSequence"].is_undefined_length = k % 2 == 0
        block = data.private_block(0x0029, "TEST", create=True)
        block.add_new(1, "OB", b"\0" * 70000)
        block.add_new(2, "SQ", Sequence([deep]))

    equal(read_quietly(tmp_path, maker, edit=edit), maker.want)


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


@pytest.mark.parametrize(
    ("tags", "weighting"),
    [
        ({"description": "", "RepetitionTime": 3000, "EchoTime": 90}, "T2"),
        ({"description": "", "RepetitionTime": 600, "EchoTime": 10}, "T1"),
        ({"description": "", "RepetitionTime": 3000, "EchoTime": 12}, "PD"),
        ({"description": "", "RepetitionTime": 900, "EchoTime": 70}, "unknown"),
        ({"description": "sag T2 FLAIR"}, "FLAIR"),
        ({"description": "TIRM sag"}, "STIR"),
        ({"description": "T2_SPACE sag p2"}, "T2"),
        ({"description": "T2star sag"}, "T2*"),
        ({"description": "resolve dwi sag t2"}, "EPI"),
        ({"description": "SAG PD"}, "PD"),
        ({"description": "T2 map sag"}, "map"),
        ({"description": "", "ImageType": ["ORIGINAL", "PRIMARY", "T2", "NONE"]}, "T2"),
        ({"description": "", "ScanningSequence": "GR", "EchoTime": 20}, "T2*"),
        ({"description": "", "ScanningSequence": ["EP", "SE"]}, "EPI"),
    ],
)
def test_weighting(tmp_path, maker, tags, weighting):
    from spinalcord.reading.series import group_series

    maker.classic(tmp_path, n=3, **tags)
    (found,) = group_series([read_header(path) for path in sorted(tmp_path.iterdir())])
    assert (found.weighting, found.reasons) == (weighting, ())


# ---- What is taken with a warning --------------------------------------------------------------


def test_copies_are_left_out_with_a_warning(tmp_path, maker):
    want = maker.classic(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    with pytest.warns(SpinalcordWarning, match=r"6 file\(s\) are copies of others"):
        equal(read(tmp_path), want)


def test_slightly_uneven_gaps_are_warned_of(tmp_path, maker):
    want = maker.classic(tmp_path, at=[0, 4, 8, 12.2, 16.2, 20.2])
    with pytest.warns(SpinalcordWarning, match=r"slightly uneven slice gaps \(4 to 4\.2 mm\)"):
        equal(read(tmp_path), want)


def test_rounded_positions_are_not_worth_a_warning(tmp_path, maker):
    equal(read_quietly(tmp_path, maker, at=[0, 3.3, 6.65, 9.9, 13.2]), maker.want)


def test_damaged_files_are_warned_of(tmp_path, maker):
    want = maker.classic(tmp_path)
    whole = (tmp_path / "IM0000").read_bytes()
    (tmp_path / "broken").write_bytes(whole[:400])
    with pytest.warns(SpinalcordWarning, match=r"1 damaged file\(s\) were left out, first broken"):
        equal(read(tmp_path), want)


def test_staggered_sagittal_stack_keeps_its_shear(tmp_path, maker):
    def edit(data, k):
        x, y, z = data.ImagePositionPatient
        data.ImagePositionPatient = [x, y, z + 0.4 * k]

    _, affine = maker.classic(tmp_path, edit=edit)
    affine[2, 2] += 0.4
    with pytest.warns(SpinalcordWarning, match=r"sheared by 6\.9 degrees"):
        volume = read(tmp_path)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-5)


# ---- What is refused ---------------------------------------------------------------------------


def put(name, value, only=None):
    def edit(data, k):
        if only is None or k == only:
            setattr(data, name, value)

    return edit


def drop(name):
    return lambda data, k: delattr(data, name)


def leave_out(number):
    return lambda data, k: k != number


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


def test_two_equally_good_series_are_listed_never_guessed(tmp_path, maker):
    first = maker.classic(tmp_path / "a", description="t2_sag_cervical", seed=1)
    a = maker.uid
    maker.classic(tmp_path / "b", description="t2_sag_thoracic", n=5)
    b = maker.uid
    with pytest.raises(SeriesError, match="several series could be meant") as caught:
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


def test_folders_without_dicom(tmp_path):
    with pytest.raises(InputError, match="no DICOM file in it"):
        read(tmp_path)
    (tmp_path / "t2.nii.gz").write_bytes(b"x")
    with pytest.raises(InputError, match=r"to read 't2\.nii\.gz', pass that file"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.txt", b"hello", "not a scan that can be read"),
        ("empty.dcm", b"", "the file is empty"),
        ("cut.dcm", bytes(128) + b"DICM\x02\0\x10\0UI\x40\0" + b"1.2", "damaged or truncated"),
        ("bare.dcm", bytes(128) + b"DICM", "no SeriesInstanceUID"),
        ("MR.dcm.gz", b"\x1f\x8b\x08\0", "gzip-compressed; unpack it first"),
        ("scan.zip", b"PK\x03\x04 nonsense", "a damaged or unsupported zip archive"),
    ],
)
def test_refuses_files_that_are_no_scan(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read(tmp_path / name)


def test_truncated_file_names_itself(tmp_path, maker):
    maker.classic(tmp_path)
    path = tmp_path / "IM0002"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"IM0002: truncated: 30 bytes of pixels are missing"):
        read(path)
    with pytest.raises(SeriesError, match="IM0002 is truncated by 30 bytes"):
        read(tmp_path)


def test_encrypted_and_damaged_zip(tmp_path, maker):
    maker.classic(tmp_path / "a")
    path = tmp_path / "scan.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted((tmp_path / "a").iterdir()):
            archive.write(file, file.name)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    locked = bytearray(content)
    locked[at + 8] |= 1
    path.write_bytes(locked)
    with pytest.raises(InputError, match="an encrypted zip archive"):
        read(path)
    content[1000] ^= 0xFF  # in the first member: its checksum fails
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read(path)


def test_warnings_name_the_zip(tmp_path, maker):
    maker.classic(tmp_path / "a", description="t1_tse_sag")
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for file in sorted((tmp_path / "a").iterdir()):
            archive.write(file, file.name)
    with pytest.warns(SpinalcordWarning, match=r"^\S*/scan\.zip: the series taken does not look"):
        read(tmp_path / "scan.zip")


def test_messages_name_the_zip_and_not_the_folder_it_was_unpacked_into(tmp_path, maker):
    maker.classic(tmp_path / "a", n=2)
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for file in sorted((tmp_path / "a").iterdir()):
            archive.write(file, file.name)
    with pytest.raises(SeriesError, match=r"2 slice\(s\)") as caught:
        read(tmp_path / "scan.zip")
    assert str(tmp_path / "scan.zip") in str(caught.value)
    assert "spinalcord-" not in str(caught.value)


# ---- Enhanced multi-frame ----------------------------------------------------------------------


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("order", [None, [3, 0, 5, 1, 4, 2]])
def test_frames_are_ordered_by_their_own_positions(tmp_path, maker, order, shared):
    want = maker.enhanced(tmp_path / "mf.dcm", order=order, shared=shared, oblique_deg=8.0)
    for path in (tmp_path / "mf.dcm", tmp_path):
        volume = read(path)
        equal(volume, want)
        assert volume.source.details["weighting"] == "T2"


def test_each_frame_has_its_own_slope(tmp_path, maker):
    slopes = [0.5, 1.5, 2.0, 0.25, 3.0, 1.0]
    want = maker.enhanced(tmp_path / "mf.dcm", order=[2, 0, 5, 1, 4, 3], slopes=slopes)
    equal(read(tmp_path), want, atol=1e-2)


def test_one_slope_for_all_frames(tmp_path, maker):
    want = maker.enhanced(tmp_path / "mf.dcm", slopes=[1.5] * 6)
    equal(read(tmp_path), want, atol=1e-2)


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


def test_one_uid_for_all_images_does_not_make_them_copies(tmp_path, maker):
    want = maker.classic(tmp_path, edit=put("SOPInstanceUID", "1.2.3"))
    equal(read(tmp_path), want)


def test_time_points_in_one_file_are_4d(tmp_path, maker):
    maker.enhanced(tmp_path / "mf.dcm", n=3, order=[0, 0, 1, 1, 2, 2])
    with pytest.raises(SeriesError, match="6 images at 3 positions"):
        read(tmp_path)


def test_time_points_in_several_files_are_listed(tmp_path, maker):
    maker.enhanced(tmp_path / "t0.dcm")
    want = maker.enhanced(tmp_path / "t1.dcm", uid=maker.uid, seed=3)
    for series in (None, maker.uid):
        with pytest.raises(SeriesError, match=r"pass one of these files.*\n.*t0.*\n.*t1"):
            read(tmp_path, series=series)
    equal(read(tmp_path / "t1.dcm"), want)


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


# ---- Headers -----------------------------------------------------------------------------------


def test_header_agrees_with_pydicom_and_holds_nothing_that_identifies(tmp_path, maker):
    import pydicom

    maker.classic(tmp_path)
    path = tmp_path / "IM0004"
    header, data = read_header(path), pydicom.dcmread(path)
    assert header.tags["series_uid"] == data.SeriesInstanceUID
    assert header.tags["sop_uid"] == data.SOPInstanceUID
    assert header.tags["position"] == tuple(map(float, data.ImagePositionPatient))
    assert header.tags["orientation"] == tuple(map(float, data.ImageOrientationPatient))
    assert header.tags["pixel_spacing"] == (0.8, 0.9)
    assert (header.tags["rows"], header.tags["columns"]) == (7, 9)
    assert header.tags["image_type"] == ("ORIGINAL", "PRIMARY", "M", "ND")
    assert not re.search("jane|secret7|1970", str(header.tags).lower())
    assert "tags" not in repr(header)


def test_any_truncation_is_an_input_error(tmp_path, maker):
    """Cut a file anywhere: it is refused in our own words, never with another exception."""
    maker.enhanced(tmp_path / "mf.dcm", n=3)
    content = (tmp_path / "mf.dcm").read_bytes()
    path = tmp_path / "cut.dcm"
    for nbytes in range(1, len(content), 37):
        path.write_bytes(content[:nbytes])
        with pytest.raises(InputError, match=r"cut\.dcm"):
            read(path)


def test_any_damage_is_an_input_error_or_still_an_image(tmp_path, maker):
    maker.enhanced(tmp_path / "mf.dcm", n=3)
    content = (tmp_path / "mf.dcm").read_bytes()
    path = tmp_path / "bad.dcm"
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(150):
            damaged = bytearray(content)
            for at in rng.integers(132, len(content), 3):
                damaged[at] = rng.integers(0, 256)
            path.write_bytes(damaged)
            with contextlib.suppress(InputError):
                assert isinstance(read(path), Volume)


def test_deflated_nonsense_is_an_input_error(tmp_path):
    syntax = b"1.2.840.10008.1.2.1.99"
    meta = b"\x02\0\x10\0UI" + struct.pack("<H", len(syntax)) + syntax
    for body in (b"nonsense", zlib.compress(b"nonsense")):
        (tmp_path / "x.dcm").write_bytes(bytes(128) + b"DICM" + meta + body)
        with pytest.raises(InputError, match="deflated"):
            read(tmp_path / "x.dcm")
