"""NIfTI files: what is kept, what is warned of, what is refused."""

from __future__ import annotations

import gzip
import itertools
import os
import struct

import numpy as np
import pytest

from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.scans.reading import load, read, read_mask
from spinalcord.scans.volume import Volume
from spinalcord.scans.writing import save_volume

nibabel = pytest.importorskip("nibabel")

ALL_48 = list(
    itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3))
)


def numbered(shape=(6, 8, 7), dtype=np.int16):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def oblique(deg=12.0, spacing=(0.8, 0.9, 1.1)):
    c, s = np.cos(np.radians(deg)), np.sin(np.radians(deg))
    affine = np.eye(4)
    affine[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) * np.array(spacing)
    affine[:3, 3] = [-30, 12.5, 99]
    return affine


def save(path, array=None, affine=None, *, cls=nibabel.Nifti1Image, sform=1, qform=1):
    affine = oblique() if affine is None else affine
    image = cls(numbered() if array is None else array, affine)
    image.set_sform(affine, sform)
    image.set_qform(affine, qform)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("name", ["t2.nii", "t2.nii.gz", "T2.NII.GZ"])
@pytest.mark.parametrize("cls", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_reads_both_versions(tmp_path, name, cls):
    volume = read(save(tmp_path / name, cls=cls))
    np.testing.assert_array_equal(volume.array, numbered())
    assert volume.array.dtype == np.int16
    np.testing.assert_allclose(volume.affine, oblique(), atol=1e-5)
    assert volume.source.kind == "nifti"
    assert volume.source.files == (tmp_path / name,)
    assert volume.source.details["version"] == (2 if cls is nibabel.Nifti2Image else 1)


@pytest.mark.parametrize(("order", "signs"), ALL_48)
def test_all_48_orientations_are_the_same_anatomy(tmp_path, order, signs):
    image = nibabel.Nifti1Image(numbered(), np.diag([1.0, 1.0, 1.0, 1.0]))
    turned = image.as_reoriented(np.array(list(zip(order, signs, strict=True))))
    nibabel.save(turned, tmp_path / "t2.nii")
    got, want = read(tmp_path / "t2.nii").sagittal(), Volume.from_any(image).sagittal()
    np.testing.assert_array_equal(got.array, want.array)
    np.testing.assert_allclose(got.affine, want.affine, atol=1e-5)


@pytest.mark.parametrize("pair_cls", [nibabel.Nifti1Pair, nibabel.Nifti2Pair])
def test_pairs_are_read_from_either_half(tmp_path, pair_cls):
    save(tmp_path / "t2.img", cls=pair_cls)
    for name in ("t2.hdr", "t2.img"):
        volume = read(tmp_path / name)
        np.testing.assert_array_equal(volume.array, numbered())
        assert volume.source.files == (tmp_path / "t2.hdr", tmp_path / "t2.img")
        assert not isinstance(volume.array.base, np.memmap)


def test_qform_alone_is_used(tmp_path):
    volume = read(save(tmp_path / "t2.nii", sform=0, qform=1))
    np.testing.assert_allclose(volume.affine, oblique(), atol=1e-5)
    assert volume.source.details["sform_code"] == 0


def test_sheared_sform_is_kept_with_a_warning(tmp_path):
    affine = oblique(0.0)
    affine[0, 1] = 0.3
    path = save(tmp_path / "t2.nii", affine=affine, sform=2, qform=0)
    with pytest.warns(SpinalcordWarning, match="sheared by 18"):
        volume = read(path)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-6)


def test_disagreeing_forms_are_warned_of_and_the_sform_wins(tmp_path):
    image = nibabel.Nifti1Image(numbered(), oblique())
    image.set_sform(oblique(), 1)
    image.set_qform(oblique(13.0), 1)
    nibabel.save(image, tmp_path / "t2.nii")
    with pytest.warns(SpinalcordWarning, match=r"qform and sform disagree by up to .* mm"):
        volume = read(tmp_path / "t2.nii")
    np.testing.assert_allclose(volume.affine, oblique(), atol=1e-5)


def test_a_broken_qform_is_warned_of_and_the_sform_used(tmp_path):
    path = save(tmp_path / "t2.nii")
    content = bytearray(path.read_bytes())
    content[256:268] = np.array([3.0, 3.0, 3.0], "<f4").tobytes()  # quatern_b, _c, _d
    path.write_bytes(content)
    with pytest.warns(SpinalcordWarning, match="the qform places no voxels .*; the sform is used"):
        np.testing.assert_allclose(read(path).affine, oblique(), atol=1e-5)


def test_no_form_is_warned_of(tmp_path):
    path = save(tmp_path / "t2.nii", sform=0, qform=0)
    with pytest.warns(SpinalcordWarning, match="neither qform nor sform is set"):
        read(path)


def test_slope_and_intercept_are_applied(tmp_path):
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape((6, 8, 7))
    header.set_sform(oblique(), 1)
    header.set_slope_inter(0.25, -3.0)
    header["magic"], header["vox_offset"] = b"n+1", 352
    path = tmp_path / "t2.nii"
    path.write_bytes(header.binaryblock + bytes(4) + numbered().tobytes(order="F"))
    volume = read(path)
    assert volume.array.dtype == np.float32
    np.testing.assert_array_equal(volume.array, numbered() * 0.25 - 3)


def test_big_endian_is_read(tmp_path):
    image = nibabel.Nifti1Image(numbered(), oblique(), nibabel.Nifti1Header(endianness=">"))
    image.header.set_data_dtype(">i2")
    nibabel.save(image, tmp_path / "t2.nii.gz")
    assert gzip.decompress((tmp_path / "t2.nii.gz").read_bytes())[:4] == b"\0\0\x01\x5c"
    volume = read(tmp_path / "t2.nii.gz")
    assert volume.array.dtype.isnative
    np.testing.assert_array_equal(volume.array, numbered())


def test_trailing_axis_of_one_is_dropped_and_4d_refused(tmp_path):
    save(tmp_path / "one.nii", numbered((6, 8, 7, 1)))
    assert read(tmp_path / "one.nii").shape == (6, 8, 7)
    save(tmp_path / "two.nii", numbered((6, 8, 7, 2)))
    with pytest.raises(InputError, match=r"two\.nii: 4-D data of shape \(6, 8, 7, 2\)"):
        read(tmp_path / "two.nii")


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        (np.complex64, "complex64 voxels"),
        ([("R", "u1"), ("G", "u1"), ("B", "u1")], "colour voxels"),
    ],
)
def test_refuses_complex_and_colour(tmp_path, dtype, message):
    save(tmp_path / "t2.nii", np.zeros((6, 8, 7), dtype))
    with pytest.raises(InputError, match=message):
        read(tmp_path / "t2.nii")


def test_refuses_other_units(tmp_path):
    image = nibabel.Nifti1Image(numbered(), oblique())
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "t2.nii")
    with pytest.raises(InputError, match="voxel sizes in microns; millimetres are expected"):
        read(tmp_path / "t2.nii")


def test_refuses_nan_constant_coarse_and_thin(tmp_path):
    nan = numbered(dtype=np.float32)
    nan[1, 2, 3] = np.nan
    for name, array, affine, message in [
        ("nan", nan, None, "1 voxels are NaN or infinite"),
        ("flat", np.zeros((6, 8, 7), np.int16), None, "all voxels have the same value"),
        ("coarse", None, oblique(0, (1, 1, 8)), "not sagittal-capable: voxels of 8 mm"),
        ("thin", numbered((2, 8, 7)), None, r"2 sagittal slice\(s\)"),
    ]:
        path = save(tmp_path / f"{name}.nii", array, affine)
        with pytest.raises(InputError, match=rf"{name}\.nii: .*{message}"):
            read(path)
        assert load(path).array.size > 0  # a mask may be all of these


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("annex.nii.gz", b"/annex/objects/MD5E-s9--x.nii.gz\n", "a git-annex pointer"),
        ("annex.nii", b"../.git/annex/objects/a/b/MD5E-s9--x.nii", "git annex get annex.nii"),
        ("lfs.nii.gz", b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        ("empty.nii.gz", b"", "the file is empty"),
        ("text.nii", b"hello " * 100, "not a NIfTI file"),
        ("short.nii", b"\x5c\x01\0\0", "not a NIfTI file"),
        ("gzip.nii.gz", b"\x1f\x8bnonsense", "cannot be unpacked"),
    ],
)
def test_refuses_what_is_no_image_by_name(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path / name)
    assert name in str(caught.value)


def test_refuses_broken_annex_links(tmp_path):
    (tmp_path / "t2.nii.gz").symlink_to("../.git/annex/objects/aa/bb/key/key")
    with pytest.raises(InputError, match="git annex get t2"):
        read(tmp_path / "t2.nii.gz")
    (tmp_path / "t1.nii.gz").symlink_to("nowhere")
    with pytest.raises(InputError, match="link points to nothing"):
        read(tmp_path / "t1.nii.gz")


def test_refuses_headers_without_image_and_analyze(tmp_path):
    save(tmp_path / "t2.img", cls=nibabel.Nifti1Pair)
    (tmp_path / "t2.img").unlink()
    with pytest.raises(InputError, match="a header alone; its image t2"):
        read(tmp_path / "t2.hdr")
    nibabel.save(nibabel.Spm2AnalyzeImage(numbered(), np.eye(4)), tmp_path / "old.img")
    with pytest.raises(InputError, match="stores no orientation"):
        read(tmp_path / "old.hdr")


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("name", ["t2.nii", "t2.nii.gz"])
def test_refuses_truncated_files(tmp_path, name, keep):
    rng = np.random.default_rng(0)
    path = save(tmp_path / name, rng.integers(0, 1000, (20, 30, 25)).astype(np.int16))
    os.truncate(path, int(path.stat().st_size * keep))
    with pytest.raises(InputError, match=rf"{name}: .*truncated"):
        read(path)


def test_refuses_damaged_gzip(tmp_path):
    rng = np.random.default_rng(0)
    path = save(tmp_path / "t2.nii.gz", rng.integers(0, 1000, (20, 30, 25)).astype(np.int16))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be unpacked"):
        read(path)


def test_refuses_a_header_that_promises_too_much(tmp_path):
    path = save(tmp_path / "t2.nii")
    content = bytearray(path.read_bytes())
    content[42:48] = np.array([32000] * 3, "<i2").tobytes()
    path.write_bytes(content)
    with pytest.raises(InputError, match="truncated"):
        read(path)


def test_refuses_series_for_nifti(tmp_path):
    with pytest.raises(InputError, match="this is not DICOM"):
        read(save(tmp_path / "t2.nii"), series="1.2.3")


def test_a_file_that_cannot_be_opened(tmp_path, monkeypatch):
    from spinalcord.scans import nifti

    def locked(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(nifti, "read_nifti", locked)
    with pytest.raises(InputError, match=r"t2\.nii: cannot be read \(Permission denied\)"):
        read(save(tmp_path / "t2.nii"))


def test_refuses_a_path_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        read(tmp_path / "t2.nii.gz")


@pytest.mark.parametrize(("order", "signs"), ALL_48[::5])
def test_mask_in_another_storage_order_is_brought_to_the_scan(tmp_path, order, signs):
    scan = read(save(tmp_path / "t2.nii"))
    inside = (numbered() % 3 == 0).astype(np.float32)
    image = nibabel.Nifti1Image(inside, scan.affine)
    nibabel.save(
        image.as_reoriented(np.array(list(zip(order, signs, strict=True)))), tmp_path / "mask.nii"
    )
    mask = read_mask(tmp_path / "mask.nii", like=scan)
    assert mask.array.dtype == np.uint8
    np.testing.assert_array_equal(mask.array, inside)
    assert mask.same_grid(scan)


def test_masks_off_the_grid(tmp_path):
    scan = read(save(tmp_path / "t2.nii"))
    inside = np.zeros(scan.shape, np.uint8)
    affine = scan.affine.copy()
    affine[0, 3] += 0.5
    with pytest.warns(SpinalcordWarning, match=r"off the scan's by up to 0\.5 mm"):
        assert not read_mask(Volume(inside, affine), like=scan).array.any()
    affine[0, 3] += 0.7
    with pytest.warns(SpinalcordWarning, match="not on the scan's grid, but (resampled|on voxels)"):
        read_mask(Volume(inside, affine), like=scan)
    affine[0, 3] += 50
    with pytest.raises(InputError, match=r"not on the scan's grid.*\(6, 8, 7\) voxels"):
        read_mask(Volume(inside, affine), like=scan)
    with pytest.raises(InputError, match="NaN"):
        read_mask(scan.like(np.full(scan.shape, np.nan)), like=scan)


def with_form(path, *, sform=None, quaternion=None, codes=(1, 1)):
    """A file whose sform or quaternion are replaced byte by byte: nibabel would refuse."""
    save(path, qform=codes[0], sform=codes[1])
    raw = bytearray(path.read_bytes())
    if sform is not None:
        raw[280:328] = struct.pack("<12f", *np.ravel(sform))
    if quaternion is not None:
        raw[256:268] = struct.pack("<3f", *quaternion)
    path.write_bytes(raw)
    return path


BROKEN = [np.zeros((3, 4)), np.full((3, 4), np.nan), np.vstack([oblique()[:2], oblique()[1:2]])]


@pytest.mark.parametrize("rows", BROKEN, ids=["zeros", "nan", "rank 2"])
def test_an_sform_that_places_no_voxels_gives_way_to_the_qform(tmp_path, rows):
    path = with_form(tmp_path / "t2.nii", sform=rows)
    with pytest.warns(SpinalcordWarning, match="the sform places no voxels.*the qform is used"):
        volume = read(path)
    np.testing.assert_allclose(volume.affine, oblique(), atol=1e-4)
    written = nibabel.load(save_volume(volume, tmp_path / "out.nii.gz"))
    np.testing.assert_allclose(written.affine, oblique(), atol=1e-4)
    assert int(written.header["sform_code"]) == 0  # what is broken is not repeated


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sform": BROKEN[0], "codes": (0, 1)}, "the sform places no voxels"),
        ({"quaternion": (1.0, 1.0, 1.0), "codes": (1, 0)}, "the qform places no voxels"),
        ({"sform": BROKEN[1], "quaternion": (1.0, 1.0, 1.0)}, "the sform and the qform place"),
    ],
)
def test_without_a_sound_form_the_refusal_names_them(tmp_path, change, words):
    with pytest.raises(InputError, match=words):
        read(with_form(tmp_path / "t2.nii", **change))


@pytest.mark.parametrize("name", ["t2.nii", "t2.nii.gz"])
@pytest.mark.parametrize(
    ("cls", "at", "zero"), [(nibabel.Nifti1Image, 108, "<f"), (nibabel.Nifti2Image, 168, "<q")]
)
def test_vox_offset_0_never_makes_voxels_of_the_header(tmp_path, name, cls, at, zero):
    raw = bytearray(save(tmp_path / "sound.nii", cls=cls).read_bytes())
    raw[at : at + struct.calcsize(zero)] = struct.pack(zero, 0)
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    with pytest.warns(SpinalcordWarning, match="vox_offset is 0"):
        volume = read(tmp_path / name)
    np.testing.assert_array_equal(volume.array, numbered())


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "t2.nii.gz")
    with pytest.raises(InputError, match="a device, pipe or socket, not a file or folder"):
        read(tmp_path / "t2.nii.gz")
    with pytest.raises(InputError, match="a device, pipe or socket"):
        read("/dev/zero")


def test_a_pair_with_a_pipe_for_an_image_is_refused(tmp_path):
    nibabel.save(nibabel.Nifti1Pair(numbered(), oblique()), tmp_path / "t2.hdr")
    (tmp_path / "t2.img").unlink()
    os.mkfifo(tmp_path / "t2.img")
    with pytest.raises(InputError, match=r"t2\.img"):
        read(tmp_path / "t2.hdr")
