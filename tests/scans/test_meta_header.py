"""MetaImage headers, damaged ones of which end a process within ITK: found by fuzzing."""

from __future__ import annotations

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.scans.meta_header import read_meta_header
from spinalcord.scans.reading import read

sitk = pytest.importorskip("SimpleITK")


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "t2.mha"
    sitk.WriteImage(sitk.GetImageFromArray(np.arange(336, dtype=np.int16).reshape(7, 8, 6)), made)
    return made


def test_keys_and_values(path):
    found = read_meta_header(path)
    assert found["NDims"] == "3"
    assert found["DimSize"] == "6 8 7"
    assert list(found)[-1] == "ElementDataFile"


def test_other_line_ends_and_empty_lines_are_taken(path):
    head, end, voxels = path.read_bytes().partition(b"ElementDataFile = LOCAL\n")
    path.write_bytes(head.replace(b"\n", b"\r\n\r\n") + end + voxels)
    assert read_meta_header(path)["NDims"] == "3"


def test_what_itk_copies_from_dicom_is_taken(path):
    image = sitk.ReadImage(path)
    for key, value in {"0008|0005": "ISO_IR 100", "0010|0010": "X^Y", "My key": "a = b"}.items():
        image.SetMetaData(key, value)
    sitk.WriteImage(image, path)
    found = read_meta_header(path)
    assert (found["0008|0005"], found["My key"]) == ("ISO_IR 100", "a = b")
    assert read(path).shape == (6, 8, 7)


@pytest.mark.parametrize("stated", ["399999999", "11", "0", "-1", "three", ""])
def test_a_number_of_dimensions_that_itk_would_write_beyond_is_refused(path, stated):
    path.write_bytes(path.read_bytes().replace(b"NDims = 3", b"NDims = " + stated.encode()))
    with pytest.raises(InputError, match=f"NDims is '{stated}'; a number from 1 to 10"):
        read(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"DimSize = ", b"DimSize ", "key = value is expected"),
        (b"DimSize = ", b"DimSize = \0", "key = value is expected"),
        (b"DimSize = ", b"DimSize = " + b"9" * 5000, "key = value is expected"),
        (b"ElementDataFile = LOCAL", b"ElementDataFile\0\0\xc0\x7fOCAL", "key = value is expected"),
        (b"DimSize = ", b"D" * 65 + b" = ", "key = value is expected"),
    ],
)
def test_a_line_that_is_not_one_is_refused(path, old, new, said):
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(InputError, match=said):
        read(path)


def test_a_header_without_an_end_is_refused(path):
    path.write_bytes(path.read_bytes().partition(b"ElementDataFile")[0])
    with pytest.raises(InputError, match="no line ElementDataFile"):
        read(path)


@pytest.mark.parametrize("name", ["t2.mha", "t2.mhd"])
def test_compressed_voxels_are_read(tmp_path, name):
    image = sitk.GetImageFromArray(np.arange(336, dtype=np.int16).reshape(7, 8, 6))
    sitk.WriteImage(image, tmp_path / name, useCompression=True)
    assert read_meta_header(tmp_path / name)["CompressedData"] == "True"
    np.testing.assert_array_equal(read(tmp_path / name).array.T, np.arange(336).reshape(7, 8, 6))


@pytest.mark.parametrize("name", ["t2.mha", "t2.mhd"])
@pytest.mark.parametrize("damage", ["changed", "cut", "size"])
def test_damaged_compressed_voxels_are_refused(tmp_path, name, damage):
    """ITK decompressed some of them forever."""
    rng = np.random.default_rng(0)
    image = sitk.GetImageFromArray(rng.integers(0, 900, (7, 8, 6)).astype(np.int16))
    sitk.WriteImage(image, tmp_path / name, useCompression=True)
    voxels = tmp_path / (name if name.endswith("mha") else "t2.zraw")
    data = voxels.read_bytes()
    if damage == "size":
        header = (tmp_path / name).read_bytes()
        parts = header.partition(b"CompressedDataSize = ")
        (tmp_path / name).write_bytes(parts[0] + parts[1] + b"9\n" + parts[2].partition(b"\n")[2])
    elif damage == "cut":
        voxels.write_bytes(data[:-100])
    else:
        voxels.write_bytes(data[:-100] + b"\0" + data[-100:-1])
    with pytest.raises(InputError, match="compressed voxels are damaged or truncated"):
        read(tmp_path / name)
