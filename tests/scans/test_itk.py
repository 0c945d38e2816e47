"""NRRD and MetaImage, and what SimpleITK does not say by itself."""

from __future__ import annotations

import numpy as np
import pytest

from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.scans.itk import quiet_itk, read_pixels
from spinalcord.scans.reading import read

sitk = pytest.importorskip("SimpleITK")


def image(shape=(7, 8, 6), dtype=np.int16):
    """Oblique, anisotropic; array order (z, y, x)."""
    picture = sitk.GetImageFromArray(np.arange(np.prod(shape)).reshape(shape).astype(dtype))
    c, s = np.cos(0.2), np.sin(0.2)
    picture.SetSpacing((3.0, 0.7, 0.8))
    picture.SetOrigin((-11.0, 22.0, 5.5))
    picture.SetDirection((c, -s, 0, s, c, 0, 0, 0, 1))
    return picture


@pytest.mark.parametrize("name", ["t2.nrrd", "t2.nhdr", "t2.mha", "t2.mhd"])
def test_voxels_and_places(tmp_path, name):
    picture = image()
    sitk.WriteImage(picture, tmp_path / name)
    volume = read(tmp_path / name)
    assert volume.shape == picture.GetSize()
    assert volume.array.dtype == np.int16
    for index in [(0, 0, 0), (5, 7, 6), (2, 3, 1)]:
        assert volume.array[index] == picture[index]
        x, y, z = picture.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose((volume.affine @ (*index, 1))[:3], (-x, -y, z), atol=1e-4)
    assert volume.source.kind == "itk"


@pytest.mark.parametrize("space", ["left-posterior-superior", "right-anterior-superior", None])
def test_nrrd_space(tmp_path, space):
    lines = ["NRRD0004", "type: short", "dimension: 3", "sizes: 5 6 7", "endian: little",
             "encoding: raw"]  # fmt: skip
    if space:
        lines += [f"space: {space}", "space directions: (1,0,0) (0,1,0) (0,0,1)",
                  "space origin: (10,20,30)"]  # fmt: skip
    voxels = np.arange(5 * 6 * 7, dtype="<i2")
    path = tmp_path / "t2.nrrd"
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + voxels.tobytes())
    if space is None:
        with pytest.warns(SpinalcordWarning, match="does not say how its axes lie"):
            volume = read(path)
    else:
        volume = read(path)
        assert volume.orientation.codes == ("LPS" if space.startswith("left") else "RAS")
        sign = -1 if space.startswith("left") else 1
        np.testing.assert_allclose(volume.affine[:3, 3], (10 * sign, 20 * sign, 30))
    np.testing.assert_array_equal(volume.array.ravel(order="F"), voxels)


def test_metaimage_without_directions_is_warned_of(tmp_path):
    voxels = np.arange(5 * 6 * 7, dtype="<i2")
    header = "ObjectType = Image\nNDims = 3\nDimSize = 5 6 7\nElementType = MET_SHORT\n"
    (tmp_path / "t2.mhd").write_text(header + "ElementDataFile = t2.raw\n")
    (tmp_path / "t2.raw").write_bytes(voxels.tobytes())
    with pytest.warns(SpinalcordWarning, match="does not say how its axes lie"):
        read(tmp_path / "t2.mhd")


@pytest.mark.filterwarnings("ignore:.*does not say how its axes lie")
@pytest.mark.parametrize("ending", ["nrrd", "mha"])
def test_refuses_colour_4d_and_damage(tmp_path, ending):
    colour = sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), np.uint8), isVector=True)
    sitk.WriteImage(colour, tmp_path / f"colour.{ending}")
    with pytest.raises(InputError, match=r"colour.*3 numbers per voxel"):
        read(tmp_path / f"colour.{ending}")
    series = sitk.JoinSeries([image(), image()])
    sitk.WriteImage(series, tmp_path / f"time.{ending}")
    with pytest.raises(InputError, match=r"4-D data of size \(6, 8, 7, 2\)"):
        read(tmp_path / f"time.{ending}")
    whole = tmp_path / f"t2.{ending}"
    sitk.WriteImage(image(), whole)
    whole.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(InputError, match=rf"t2\.{ending}: not readable"):
        read(whole)
    (tmp_path / f"text.{ending}").write_text("hello")
    with pytest.raises(InputError, match="not readable") as caught:
        read(tmp_path / f"text.{ending}")
    assert "0x" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*does not say how its axes lie")
def test_one_volume_in_four_dimensions_is_taken(tmp_path):
    sitk.WriteImage(sitk.JoinSeries([image()]), tmp_path / "t2.nrrd")
    assert read(tmp_path / "t2.nrrd").shape == (6, 8, 7)


@pytest.mark.parametrize("shown", [True, False])
def test_the_warning_setting_of_the_process_is_put_back(shown):
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    try:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)
        with quiet_itk():
            assert not sitk.ProcessObject.GetGlobalWarningDisplay()
        assert sitk.ProcessObject.GetGlobalWarningDisplay() == shown
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(before)


def test_pixels_that_cannot_be_decoded_name_their_file(tmp_path):
    (tmp_path / "x.dcm").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(InputError, match=r"x\.dcm: its pixels cannot be decoded"):
        read_pixels([tmp_path / "x.dcm"])
