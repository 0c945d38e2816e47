"""Headers decoded and encoded without nibabel, against nibabel."""

from __future__ import annotations

import subprocess
import sys

import nibabel
import numpy as np
import pytest

from spinalcord.scans import writing
from spinalcord.scans.nifti import from_nibabel
from spinalcord.scans.nifti_header import NiftiHeader, decode_nifti, encode_nifti

CLASSES = {1: nibabel.Nifti1Image, 2: nibabel.Nifti2Image}
VOXELS = np.arange(60).reshape(3, 4, 5)


def rotation(rng):
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = q * rng.uniform(0.5, 4, 3)
    affine[:3, 3] = rng.normal(0, 50, 3)
    return affine


def image(version, seed, dtype=np.int16, order="<", forms=(1, 1), slope=None):
    affine = rotation(np.random.default_rng(seed))
    header = CLASSES[version].header_class(endianness=order)
    header.set_data_dtype(np.dtype(dtype).newbyteorder(order))
    made = CLASSES[version](VOXELS.astype(dtype), affine, header)
    made.header.set_qform(affine, forms[0])
    made.header.set_sform(affine, forms[1])
    made.header.set_xyzt_units("mm", "sec")
    if slope is not None:
        made.header.set_slope_inter(*slope)
    return made


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("forms", [(1, 1), (0, 2), (3, 0)])
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "f4", "f8", "u2"])
def test_decodes_as_nibabel(version, order, forms, dtype):
    raw = image(version, 3, dtype, order, forms).to_bytes()
    got, want = decode_nifti(raw), CLASSES[version].from_bytes(raw)
    assert got.shape == want.shape
    assert got.dtype == want.dataobj.dtype
    np.testing.assert_array_equal(got.affine, want.affine)
    np.testing.assert_allclose(got.header.get_qform(), want.header.get_qform(), rtol=1e-14)
    np.testing.assert_array_equal(got.get_unscaled(), want.dataobj.get_unscaled())
    np.testing.assert_array_equal(got.get_unscaled(), VOXELS)
    assert got.header.get_xyzt_units()[0] == want.header.get_xyzt_units()[0] == "mm"


def test_scaling_is_nibabels():
    raw = image(1, 0, slope=(2.0, -3.0)).to_bytes()
    got, want = decode_nifti(raw), nibabel.Nifti1Image.from_bytes(raw)
    assert (got.slope, got.inter) == (want.dataobj.slope, want.dataobj.inter) == (2.0, -3.0)
    np.testing.assert_array_equal(from_nibabel(got).array, want.get_fdata())


ODD = {
    "datatype": 128, "bitpix": 7, "pixdim": [0, 1, 1, 1, 0, 0, 0, 0], "vox_offset": 360,
    "xyzt_units": 7, "qform_code": 9, "sform_code": -1, "magic": b"ni1", "quatern_b": 2.0,
    "scl_inter": np.inf, "dim": [2, 3, 4, 1, 1, 1, 1, 1],
}  # fmt: skip


@pytest.mark.parametrize("field", ODD)
def test_leaves_odd_headers_to_nibabel(field):
    header = decode_nifti(image(1, 0).to_bytes()).header
    header[field] = ODD[field]
    assert decode_nifti(header.to_bytes() + bytes(1000)) is None


def test_leaves_files_without_forms_or_with_extensions_to_nibabel():
    header = decode_nifti(image(1, 0).to_bytes()).header
    header["qform_code"] = header["sform_code"] = 0
    assert decode_nifti(header.to_bytes() + bytes(1000)) is None
    extended = image(1, 0)
    extended.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"text"))
    assert decode_nifti(extended.to_bytes()) is None
    assert decode_nifti(b"") is None
    assert decode_nifti(image(1, 0).to_bytes()[:348]) is None


def test_a_quaternion_of_no_rotation():
    header = NiftiHeader(1)
    header["quatern_b"] = 2
    with pytest.raises(ValueError, match="w2 should be positive, but is -3"):
        header.get_qform()


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
@pytest.mark.parametrize("forms", [(1, 1), (0, 2), (3, 0)])
def test_writes_the_bytes_of_nibabel(version, dtype, forms):
    volume = from_nibabel(decode_nifti(image(version, 5, forms=forms).to_bytes()))
    assert volume.source.kind == "nifti"
    result = volume.like(VOXELS.astype(dtype))
    got = writing._nifti_bytes(result.array, result)
    assert got == bytes(writing._nifti_image(result.array, result).to_bytes())
    assert got[:4] == {1: 348, 2: 540}[version].to_bytes(4, "little")
    np.testing.assert_array_equal(CLASSES[version].from_bytes(got).get_fdata(), VOXELS)


def test_encode_fills_in_type_and_extents():
    header = NiftiHeader(1)
    header["sform_code"] = 1
    header["srow_x"], header["srow_y"], header["srow_z"] = np.eye(4)[:3]
    again = decode_nifti(encode_nifti(header, VOXELS.astype(np.int32)))
    assert again.shape == VOXELS.shape
    assert again.dtype == np.int32
    np.testing.assert_array_equal(again.get_unscaled(), VOXELS)


@pytest.mark.slow
def test_reading_and_writing_a_plain_file_imports_no_nibabel(tmp_path):
    image(1, 1).to_filename(tmp_path / "a.nii.gz")
    program = (
        "import sys; from pathlib import Path; from spinalcord.scans.nifti import read_nifti;"
        "from spinalcord.scans.writing import save_volume;"
        "volume = read_nifti(Path('a.nii.gz')); save_volume(volume, 'b.nii.gz');"
        "print(sorted({'nibabel', 'SimpleITK', 'pydicom', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
