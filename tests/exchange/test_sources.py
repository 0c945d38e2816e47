"""The images that objects refer to."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from annotations import AFFINE, make_arrays, make_series

from spinalcord.errors import InputError
from spinalcord.exchange.sources import derived_uid, has_files, read_sources
from spinalcord.scans.reading import read
from spinalcord.scans.volume import Volume

pydicom = pytest.importorskip("pydicom")


def test_images_in_the_order_of_the_volume(tmp_path):
    scan = read(make_series(tmp_path / "dicom"))
    source = read_sources(scan)
    assert source.slices == tuple(range(9))
    assert not source.is_multiframe
    for k, image in enumerate(source.images):
        place = np.diag([-1, -1, 1]) @ np.array(image.ImagePositionPatient, float)
        np.testing.assert_allclose(place, (scan.affine @ [0, 0, k, 1])[:3], atol=1e-4)
    frames = source.frames(scan, np.int16)
    np.testing.assert_array_equal(frames.transpose(2, 1, 0), scan.array)


def test_what_a_series_lacks_is_filled_in_for_all_its_objects(tmp_path):
    folder = make_series(tmp_path / "dicom")
    for path in folder.iterdir():
        data = pydicom.dcmread(path)
        for name in ("FrameOfReferenceUID", "SliceThickness", "PatientID"):
            delattr(data, name)
        data.save_as(path)
    images = read_sources(read(folder)).images
    assert len({image.FrameOfReferenceUID for image in images}) == 1
    assert float(images[0].SliceThickness) == pytest.approx(3.3)
    assert images[0].PatientID == ""


def test_images_of_a_zip_are_those_of_the_series_that_was_read(tmp_path):
    folder = make_series(tmp_path / "dicom")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"study/{path.name}")
        archive.writestr("README.txt", "no image")
    packed = read(tmp_path / "a.zip")
    assert has_files(packed)
    want, found = read_sources(read(folder)), read_sources(packed)
    assert found.slices == want.slices
    assert [i.SOPInstanceUID for i in found.images] == [i.SOPInstanceUID for i in want.images]
    (tmp_path / "a.zip").unlink()
    with pytest.raises(InputError, match="cannot be read again"):
        read_sources(packed)


def test_scans_without_images_are_refused(tmp_path):
    array, _, _ = make_arrays()
    with pytest.raises(InputError, match="the scan: not DICOM: DICOM objects refer to"):
        read_sources(Volume(array, AFFINE))
    folder = make_series(tmp_path / "dicom")
    scan = read(folder)
    assert has_files(scan)
    last = sorted(folder.iterdir())[-1]
    kept = last.read_bytes()
    last.unlink()
    with pytest.raises(InputError, match="cannot be read again"):
        read_sources(scan)
    data = pydicom.dcmread(sorted(folder.iterdir())[0])
    data.save_as(last)
    with pytest.raises(InputError, match="the images have changed since the scan was read"):
        read_sources(scan)
    last.write_bytes(kept)


def test_uids_are_those_of_the_content():
    uid = derived_uid("seg", b"\x00\x01")
    assert uid == derived_uid("seg", b"\x00\x01") != derived_uid("seg", b"\x00\x02")
    assert derived_uid("ab", "c") != derived_uid("a", "bc")
    assert pydicom.uid.UID(uid).is_valid
