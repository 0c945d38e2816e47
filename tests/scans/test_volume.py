"""A volume knows where the patient's left, head and front are, however it is stored."""

from __future__ import annotations

import pickle
import subprocess
import sys
import types

import numpy as np
import pytest
from volumes import ALL_48, base_affine, numbered, restored

from spinalcord.errors import InputError, SpinalcordError, SpinalcordWarning
from spinalcord.scans.orientation import shear_deg
from spinalcord.scans.volume import Source, Volume, check_scan


@pytest.mark.parametrize("oblique_deg", [0.0, 17.0])
@pytest.mark.parametrize(("order", "flips"), ALL_48)
def test_sagittal_is_the_same_from_all_48_orientations(order, flips, oblique_deg):
    array, affine = numbered(), base_affine(oblique_deg)
    volume = Volume(*restored(array, affine, order, flips))
    sagittal = volume.sagittal()
    np.testing.assert_array_equal(sagittal.array, array)
    np.testing.assert_allclose(sagittal.affine, affine, atol=1e-12)
    assert sagittal.orientation.permutation == (0, 1, 2)
    assert sagittal.orientation.flips == (False, False, False)
    # The spacing decides sizes of resampled images: it must not differ in the last bit.
    assert volume.sagittal_spacing_mm == Volume(array, affine).sagittal_spacing_mm


def test_voxel_sizes_of_a_sheared_grid():
    affine = np.diag([2.0, 1.0, 1.0, 1.0])
    affine[0, 1] = np.tan(np.radians(10.0))
    volume = Volume(numbered(), affine)
    assert shear_deg(affine) == pytest.approx(10.0)
    assert volume.voxel_mm3 == pytest.approx(2.0)
    assert volume.spacing_mm[1] == pytest.approx(1 / np.cos(np.radians(10.0)))


def test_is_frozen_and_does_not_copy():
    array = numbered().astype(np.float32)
    volume = Volume(array, np.eye(4))
    assert np.shares_memory(volume.array, array)
    assert np.shares_memory(volume.sagittal().array, array)
    assert array.flags.writeable
    for change in (
        lambda: setattr(volume, "array", array),
        lambda: delattr(volume, "_array"),
    ):
        with pytest.raises(AttributeError, match="frozen"):
            change()
    with pytest.raises(ValueError, match="read-only"):
        volume.array[0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        volume.affine[0, 0] = 2


def test_pickle_and_repr(tmp_path):
    source = Source("nifti", tmp_path / "t2.nii.gz", (tmp_path / "t2.nii.gz",), {"version": 1})
    volume = Volume(numbered(), base_affine(), source=source)
    copy = pickle.loads(pickle.dumps(volume))
    np.testing.assert_array_equal(copy.array, volume.array)
    np.testing.assert_array_equal(copy.affine, volume.affine)
    assert copy.source == source
    assert repr(volume) == "Volume(4 x 6 x 5 int16, 3.3 x 0.7 x 0.9 mm, RIP, 't2.nii.gz')"


def test_trailing_axes_of_length_one_are_dropped():
    assert Volume(np.zeros((3, 4, 5, 1, 1)), np.eye(4)).shape == (3, 4, 5)


def test_foreign_byte_order_and_long_double_become_native():
    assert Volume(numbered().astype(">i2"), np.eye(4)).array.dtype == np.int16
    assert Volume(numbered().astype(">i2"), np.eye(4)).array[0, 0, 1] == 1
    assert Volume(numbered().astype(np.longdouble), np.eye(4)).array.dtype == np.float64


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 4)), "2-D data"),
        (np.zeros((3, 4, 5, 2)), r"4-D data of shape \(3, 4, 5, 2\)"),
        (np.zeros((0, 4, 5)), "no voxels"),
        (np.zeros((3, 4, 5), complex), "complex128 voxels"),
        (np.zeros((3, 4, 5), [("R", "u1"), ("G", "u1"), ("B", "u1")]), "no colour"),
        (np.full((3, 4, 5), "a"), "voxels"),
    ],
)
def test_refuses_arrays_that_are_no_volume(array, message):
    with pytest.raises(InputError, match=message):
        Volume(array, np.eye(4))


@pytest.mark.parametrize(
    ("affine", "message"),
    [
        (np.eye(3), r"shape \(3, 3\)"),
        (np.diag([1, 1, np.nan, 1]), "not finite"),
        (np.diag([1, 1, 1, 2.0]), "last row"),
        (np.diag([1, 0, 1, 1.0]), "span space"),
        ([[1, 1, 0, 0], [0, 1e-5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], "span space"),
        ("left", "not a 4 x 4"),
        (None, "the affine"),
    ],
)
def test_refuses_affines_that_place_nothing(affine, message):
    with pytest.raises(InputError, match=message):
        Volume(numbered(), affine)


def test_same_grid():
    volume = Volume(numbered(), base_affine())
    assert volume.same_grid(volume.like(np.zeros(volume.shape)))
    moved = volume.affine.copy()
    moved[0, 3] += 0.05
    assert volume.same_grid(Volume(numbered(), moved))
    moved[0, 3] += 0.05
    assert not volume.same_grid(Volume(numbered(), moved))
    assert volume.same_grid(Volume(numbered(), moved), tolerance=0.5)
    assert not volume.same_grid(Volume(numbered()[1:], volume.affine))
    with pytest.raises(InputError, match="does not fit"):
        volume.like(np.zeros((1, 2, 3)))


def scan(shape=(8, 9, 10), spacing=(1.0, 1.0, 1.0)):
    return Volume(numbered(shape), np.diag([*spacing, 1.0]))


def test_check_takes_scans():
    check_scan(scan())
    check_scan(scan(spacing=(6.0, 3.0, 3.0)))  # thick sagittal slices, 3 mm in plane


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        (scan(spacing=(1, 3.2, 1)), "not sagittal-capable: voxels of 1 mm head to foot and 3.2 mm"),
        (scan(spacing=(0.5, 0.5, 5)), "not sagittal-capable"),
        (scan(shape=(2, 9, 10)), r"2 sagittal slice\(s\)"),
        (Volume(np.full((8, 9, 10), 7), np.eye(4)), r"all voxels have the same value \(7\)"),
        (Volume(np.where(numbered((8, 9, 10)) == 3, np.nan, 1.0), np.eye(4)), "1 voxels are NaN"),
        (Volume(np.where(numbered((8, 9, 10)) < 2, np.inf, 1.0), np.eye(4)), "2 voxels are NaN or"),
    ],
)
def test_check_refuses(volume, message):
    with pytest.raises(InputError, match=message):
        check_scan(volume)


def test_check_warns_of_shear():
    affine = np.eye(4)
    affine[0, 1] = np.tan(np.radians(5.0))
    with pytest.warns(SpinalcordWarning, match=r"sheared by 5\.0 degrees") as caught:
        check_scan(Volume(numbered((8, 9, 10)), affine))
    assert caught[0].filename == __file__  # the user's line, not ours


def test_check_warns_of_masks():
    for share in (3, 500):
        mask = (numbered((8, 9, 10)) % share == 0).astype(np.uint8)
        mask[0, 0, 0] = 2 if share == 500 else 1
        with pytest.warns(SpinalcordWarning, match="looks like a mask"):
            check_scan(Volume(mask, np.eye(4)))


def test_check_warns_in_code_without_a_name():
    mask = Volume((numbered((8, 9, 10)) % 3 == 0).astype(np.uint8), np.eye(4))
    with pytest.warns(SpinalcordWarning, match="looks like a mask"):
        exec("check_scan(mask)", {"check_scan": check_scan, "mask": mask})


def test_from_any_takes_a_volume_as_it_is():
    volume = scan()
    assert Volume.from_any(volume) is volume


def test_from_any_takes_nibabel_images():
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.Nifti1Image(numbered(), base_affine(12.0))
    volume = Volume.from_any(image)
    np.testing.assert_array_equal(volume.array, numbered())
    np.testing.assert_allclose(volume.affine, base_affine(12.0), atol=1e-6)
    assert volume.source.kind == "nifti"
    other = Volume.from_any(nibabel.MGHImage(numbered().astype(np.float32), base_affine()))
    np.testing.assert_array_equal(other.array, numbered())


def test_from_any_takes_simpleitk_images():
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.GetImageFromArray(numbered((5, 6, 7)))
    image.SetSpacing((0.5, 0.6, 3.0))
    image.SetOrigin((1.0, 2.0, 3.0))
    image.SetDirection((0, 0, 1, 1, 0, 0, 0, 1, 0))
    volume = Volume.from_any(image)
    assert volume.shape == image.GetSize()
    for index in [(0, 0, 0), (6, 5, 4), (2, 3, 1)]:
        assert volume.array[index] == image[index]
        x, y, z = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose((volume.affine @ (*index, 1))[:3], (-x, -y, z), atol=1e-12)
    with pytest.raises(InputError, match="3 numbers per voxel"):
        Volume.from_any(sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), np.uint8), isVector=True))
    with pytest.raises(InputError, match="2-D data"):
        Volume.from_any(sitk.GetImageFromArray(np.zeros((4, 5), np.uint8)))


def test_from_any_takes_arrays_that_carry_an_affine():
    class Placed(np.ndarray):
        affine = base_affine()

    volume = Volume.from_any(numbered().view(Placed))
    np.testing.assert_array_equal(volume.array, numbered())
    np.testing.assert_array_equal(volume.affine, base_affine())


@pytest.mark.parametrize("thing", [np.zeros((3, 4, 5)), [[1, 2]]])
def test_from_any_refuses_bare_arrays_and_says_what_to_pass(thing):
    with pytest.raises(InputError, match=r"no left or right: pass .*Volume\(array, affine\)"):
        Volume.from_any(thing)


@pytest.mark.parametrize("thing", [None, 3, types.SimpleNamespace(affine=np.eye(4))])
def test_from_any_refuses_anything_else(thing):
    with pytest.raises(SpinalcordError, match="cannot take a"):
        Volume.from_any(thing)


def test_import_needs_neither_nibabel_nor_simpleitk():
    code = (
        "import sys, spinalcord.scans.volume, spinalcord.scans.reading, spinalcord.scans.writing;"
        "bad = {'nibabel', 'SimpleITK', 'tqdm', 'pydicom'} & set(sys.modules);"
        "sys.exit(f'imported {bad}' if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_numpy_takes_the_voxels_as_stored():
    voxels = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    volume = Volume(voxels, np.eye(4))
    seen = np.asarray(volume)
    np.testing.assert_array_equal(seen, voxels)
    assert seen.dtype == np.int16
    assert np.shares_memory(seen, voxels)
    assert not seen.flags.writeable
    copied = np.array(volume)
    copied[0, 0, 0] = 7
    assert voxels[0, 0, 0] == 0
    assert np.asarray(volume, dtype=np.float32).dtype == np.float32
    assert np.mean(volume) == voxels.mean()
    assert volume.like(volume).array.shape == volume.shape
    with pytest.raises(ValueError, match="int16 voxels as float32 need a copy"):
        volume.__array__(np.float32, copy=False)
