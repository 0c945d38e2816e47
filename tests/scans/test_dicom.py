"""DICOM files, folders and archives become volumes, voxel for voxel."""

from __future__ import annotations

import shutil
import zipfile

import numpy as np
import pytest
from dicom_helpers import equal, read_quietly

from spinalcord.errors import InputError, SeriesError, SpinalcordWarning
from spinalcord.scans import dicom
from spinalcord.scans.reading import read
from spinalcord.scans.volume import Volume

pytest.importorskip("SimpleITK")
pytest.importorskip("pydicom")
pytestmark = pytest.mark.filterwarnings("error::spinalcord.errors.SpinalcordWarning")


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


def test_a_file_stands_for_its_series_in_its_folder(tmp_path, maker):
    maker.classic(tmp_path / "other", seed=5)
    shutil.move(tmp_path / "other" / "IM0000", tmp_path / "stranger")
    want = maker.classic(tmp_path, n=5)
    equal(read(tmp_path / "IM0003"), want)


def test_headers_are_read_once_and_pixels_of_the_chosen_series_alone(tmp_path, maker, monkeypatch):
    from spinalcord.scans import dicom

    maker.classic(tmp_path / "t1", n=9, description="t1 sag")
    want = maker.classic(tmp_path / "t2")
    headers, pixels = [], []
    for name, calls in (("read_header", headers), ("read_pixels", pixels)):
        real = getattr(dicom, name)
        monkeypatch.setattr(dicom, name, lambda x, *y, r=real, c=calls: (c.append(x), r(x, *y))[1])
    equal(read(tmp_path), want)
    assert len(headers) == len(set(headers)) == 15
    assert [len(paths) for paths in pixels] == [6]


def test_a_series_can_be_named_to_from_any(tmp_path, maker):
    maker.classic(tmp_path / "a", seed=1)
    uid = maker.uid
    maker.classic(tmp_path / "b")
    assert Volume.from_any(str(tmp_path), series=uid).source.path == tmp_path
    with pytest.raises(SeriesError, match="several series"):
        Volume.from_any(tmp_path)


def test_dicom_under_a_nifti_name(tmp_path, maker):
    want = maker.classic(tmp_path)
    for path in sorted(tmp_path.iterdir()):
        path.rename(path.with_suffix(".img"))
    equal(read(tmp_path / "IM0002.img"), want)


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


def test_damaged_files_are_warned_of(tmp_path, maker):
    want = maker.classic(tmp_path)
    whole = (tmp_path / "IM0000").read_bytes()
    (tmp_path / "broken").write_bytes(whole[:400])
    with pytest.warns(SpinalcordWarning, match=r"1 damaged file\(s\) were ignored, first broken"):
        equal(read(tmp_path), want)


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


def test_each_frame_has_its_own_slope(tmp_path, maker):
    slopes = [0.5, 1.5, 2.0, 0.25, 3.0, 1.0]
    want = maker.enhanced(tmp_path / "mf.dcm", order=[2, 0, 5, 1, 4, 3], slopes=slopes)
    equal(read(tmp_path), want, atol=1e-2)


def test_one_slope_for_all_frames(tmp_path, maker):
    want = maker.enhanced(tmp_path / "mf.dcm", slopes=[1.5] * 6)
    equal(read(tmp_path), want, atol=1e-2)


def test_a_zip_is_unpacked_only_as_far_as_it_holds_dicom(tmp_path, maker, monkeypatch):
    want = maker.classic(tmp_path / "dicom")
    with zipfile.ZipFile(tmp_path / "scan.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((tmp_path / "dicom").iterdir()):
            archive.write(file, file.name)
        archive.writestr("zeros.bin", bytes(1 << 20))
    unpacked = []
    copy = dicom.shutil.copyfileobj
    monkeypatch.setattr(
        dicom.shutil, "copyfileobj", lambda a, b: (unpacked.append(b.name), copy(a, b))
    )
    equal(read(tmp_path / "scan.zip"), want)
    assert len(unpacked) == 6


def test_a_zip_bomb_that_looks_like_dicom_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(dicom, "_SMALL_NBYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "scan.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.dcm", bytes(128) + b"DICM" + bytes(4 << 20))
    with pytest.raises(InputError, match=r"times as many as packed; at most 200 times"):
        read(tmp_path / "scan.zip")
