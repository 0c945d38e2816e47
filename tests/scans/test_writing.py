"""Results lie on the scan's grid, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import threading
from pathlib import Path

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.scans import writing
from spinalcord.scans.reading import load, read
from spinalcord.scans.volume import Source, Volume
from spinalcord.scans.writing import write_json

nibabel = pytest.importorskip("nibabel")


def numbered(shape=(6, 8, 7), dtype=np.int16):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def affine(deg=12.0):
    c, s = np.cos(np.radians(deg)), np.sin(np.radians(deg))
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) * [0.8, 0.9, 1.1]
    matrix[:3, 3] = [-30.125, 12.5, 99]
    return matrix


def scan(tmp_path, name="t2.nii.gz", sform=2, qform=3, cls=nibabel.Nifti1Image):
    image = cls(numbered(), affine())
    image.set_sform(affine(), sform)
    image.set_qform(affine(), qform)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = b"Jane Doe"
    image.header["aux_file"] = b"Jane Doe"
    nibabel.save(image, tmp_path / name)
    return read(tmp_path / name)


@pytest.mark.parametrize("cls", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize(("sform", "qform"), [(2, 3), (0, 1), (1, 0), (4, 0)])
def test_geometry_of_a_nifti_scan_is_repeated_bit_for_bit(tmp_path, sform, qform, cls):
    volume = scan(tmp_path, sform=sform, qform=qform, cls=cls)
    path = writing.save_volume(volume.like(volume.array > 100), tmp_path / "out" / "m.nii.gz")
    given = nibabel.load(tmp_path / "t2.nii.gz").header
    made = nibabel.load(path).header
    for key in ("qform_code", "sform_code", "srow_x", "srow_y", "srow_z", "xyzt_units",
                "quatern_b", "quatern_c", "quatern_d", "qoffset_x"):  # fmt: skip
        np.testing.assert_array_equal(made[key], given[key], err_msg=key)
    np.testing.assert_array_equal(made["pixdim"][:4], given["pixdim"][:4])
    np.testing.assert_array_equal(nibabel.load(path).affine, volume.affine)
    assert type(nibabel.load(path)) is cls
    assert made.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(nibabel.load(path).dataobj), volume.array > 100)


def test_free_texts_of_the_scan_are_not_repeated(tmp_path):
    volume = scan(tmp_path, "t2.nii")
    assert b"Jane" in (tmp_path / "t2.nii").read_bytes()
    path = writing.save_volume(volume.like(volume.array), tmp_path / "out.nii")
    assert b"Jane" not in path.read_bytes()


@pytest.mark.parametrize(
    ("dtype", "written"),
    [(bool, np.uint8), (np.uint16, np.uint8), (np.int64, np.int32), (np.float64, np.float32)],
)
def test_dtypes(tmp_path, dtype, written):
    volume = Volume((numbered() % 7).astype(dtype), affine())
    path = writing.save_volume(volume, tmp_path / "x.nii.gz")
    image = nibabel.load(path)
    assert image.get_data_dtype() == written
    assert image.dataobj.slope == 1
    np.testing.assert_array_equal(np.asarray(image.dataobj), volume.array)
    np.testing.assert_allclose(image.affine, affine(), atol=1e-5)
    assert int(image.header["sform_code"]) == int(image.header["qform_code"]) == 1
    assert image.header.get_xyzt_units()[0] == "mm"
    back = load(path)
    assert back.same_grid(volume, 1e-4)


def test_a_view_in_working_orientation_gets_its_own_affine(tmp_path):
    volume = scan(tmp_path).sagittal()
    path = writing.save_volume(volume, tmp_path / "sagittal.nii")
    np.testing.assert_allclose(nibabel.load(path).affine, volume.affine, atol=1e-4)
    np.testing.assert_array_equal(np.asarray(nibabel.load(path).dataobj), volume.array)


def test_shear_goes_into_the_sform_alone(tmp_path):
    sheared = affine()
    sheared[0, 1] += 0.4
    path = writing.save_volume(Volume(numbered(), sheared), tmp_path / "x.nii")
    image = nibabel.load(path)
    np.testing.assert_allclose(image.affine, sheared, atol=1e-5)
    assert int(image.header["qform_code"]) == 0


def test_same_result_same_bytes(tmp_path):
    volume = scan(tmp_path)
    a = writing.save_volume(volume, tmp_path / "a.nii.gz").read_bytes()
    b = writing.save_volume(volume, tmp_path / "b.nii.gz").read_bytes()
    assert a == b


@pytest.mark.parametrize(
    ("array", "name", "message"),
    [
        (numbered(), "m.nrrd", r"written as \.nii or \.nii\.gz"),
        (numbered().astype(np.uint16), "m.nii", "values 0 to 335 do not fit uint8"),
        (numbered().astype(np.int64) << 40, "m.nii", "do not fit int32"),
    ],
)
def test_save_volume_refuses(tmp_path, array, name, message):
    with pytest.raises(InputError, match=message):
        writing.save_volume(Volume(array, affine()), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("sub-01_T2w.nii.gz", "sub-01"),
        ("a/b/sub-01_ses-02_acq-sag_run-1_T2w.nii.gz", "sub-01_ses-02_acq-sag_run-1"),
        ("sub-01_desc-preproc_T2w.nii", "sub-01"),
        ("sub-01", "sub-01"),
        ("t2.nii.gz", "t2"),
        ("T2.NII.GZ", "T2"),
        ("my scan (2).nii.gz", "my-scan-2"),
        ("export.zip", "export"),
        ("IM0001.dcm", "IM0001"),
        ("v1.2/t2.3.mha", "t2.3"),
        ("Übung.nii", "Übung"),
        (".nii", "nii"),
        ("study/series-3/", "series-3"),
    ],
)
def test_stem(path, stem):
    assert writing.result_stem(path) == stem


def test_stem_of_volumes(tmp_path):
    assert writing.result_stem(Volume(numbered(), affine())) == "scan"
    assert writing.result_stem(scan(tmp_path)) == "t2"
    files = (tmp_path / "sag_t2" / "IM1", tmp_path / "sag_t2" / "IM2")
    for path in (tmp_path / "sag_t2", files[0]):
        files[0].parent.mkdir(exist_ok=True)
        source = Source("dicom", path, files)
        assert writing.result_stem(Volume(numbered(), affine(), source=source)) == "sag_t2"
    source = Source("dicom", files[0], files[:1])
    assert writing.result_stem(Volume(numbered(), affine(), source=source)) == "IM1"


def test_stem_of_the_current_folder(tmp_path, monkeypatch):
    folder = tmp_path / "case7"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert writing.result_stem(".") == "case7"


def test_result_path_is_a_folder_or_the_file_itself(tmp_path):
    def where(out):
        return writing.result_path(out, "sub-01_T2w.nii.gz", "desc-lesion_mask", ".nii.gz")

    assert where("out") == Path("out/sub-01_desc-lesion_mask.nii.gz")
    assert where("out/m.nii.gz") == Path("out/m.nii.gz")
    assert where("out/m.nii") == Path("out/m.nii")
    (tmp_path / "odd.nii.gz").mkdir()
    assert where(tmp_path / "odd.nii.gz").parent == tmp_path / "odd.nii.gz"
    assert writing.result_path("d.json", "t2.nii", "diagnosis", ".json") == Path("d.json")
    assert writing.result_path("d", "t2.nii", "diagnosis", ".json") == Path("d/t2_diagnosis.json")
    assert writing.sidecar_path("out/m.nii.gz") == Path("out/m.json")
    assert writing.camel_case("ms_vs_nmosd") == "msVsNmosd"


def test_json_is_strict(tmp_path):
    content = {
        "p": np.float32(0.5), "n": np.int64(3), "bad": float("nan"), "a": np.array([1.0, np.inf]),
        "path": Path("x/y"), "nested": [{"ä": (True, None)}],
    }  # fmt: skip
    path = writing.write_json(tmp_path / "new" / "d.json", content)
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "p": 0.5,
        "n": 3,
        "bad": None,
        "a": [1.0, None],
        "path": "x/y",
        "nested": [{"ä": [True, None]}],
    }
    assert "ä" in path.read_text(encoding="utf-8")


def test_files_have_the_usual_permissions_and_replace_older_ones(tmp_path):
    path = tmp_path / "d.json"
    path.write_text("old")
    writing.write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    assert [p.name for p in tmp_path.iterdir()] == ["d.json"]


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "d.json"
    path.write_text("old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"d\.json: cannot be written: No space left on device"):
        writing.write_bytes(path, b"new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["d.json"]


def test_a_folder_that_is_a_file_or_a_target_that_is_a_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=r"cannot be written: (Not a directory|File exists)"):
        writing.write_bytes(tmp_path / "file" / "d.json", b"new")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written: Is a directory"):
        writing.write_bytes(tmp_path / "folder", b"new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="Permission denied"):
        writing.write_bytes(tmp_path / "d.json", b"new")
    tmp_path.chmod(0o700)


def test_many_writers_of_one_name_never_mix(tmp_path):
    path = tmp_path / "d.bin"
    contents = [bytes([n]) * 20000 for n in range(8)]
    threads = [
        threading.Thread(target=lambda c=c: [writing.write_bytes(path, c) for _ in range(5)])
        for c in contents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert [p.name for p in tmp_path.iterdir()] == ["d.bin"]


def test_sources_are_identified_by_content(tmp_path):
    one = scan(tmp_path)
    whole = hashlib.sha256((tmp_path / "t2.nii.gz").read_bytes()).hexdigest()
    assert writing.describe_source(one) == {
        "name": "t2.nii.gz", "kind": "nifti", "files": 1, "sha256": whole,
    }  # fmt: skip

    def series(*contents):
        folder = tmp_path / "-".join(c.decode() for c in contents)
        folder.mkdir()
        files = []
        for n, content in enumerate(contents):
            files.append(folder / f"{n}")
            files[-1].write_bytes(content)
        source = Source("dicom", folder, tuple(files))
        return writing.describe_source(Volume(numbered(), affine(), source=source))

    ab, ba, ac = series(b"a", b"b"), series(b"b", b"a"), series(b"a", b"c")
    assert ab["sha256"] == ba["sha256"] != ac["sha256"]
    digests = sorted(hashlib.sha256(c).hexdigest() for c in (b"a", b"b"))
    assert ab["sha256"] == hashlib.sha256("".join(d + "\n" for d in digests).encode()).hexdigest()
    assert (ab["files"], ab["kind"], ab["name"]) == (2, "dicom", "a-b")

    memory = writing.describe_source(Volume(numbered(), affine()))
    assert memory["name"] is None
    assert re.fullmatch("[0-9a-f]{64}", memory["sha256"])
    assert memory != writing.describe_source(Volume(numbered() + 1, affine()))
    (tmp_path / "t2.nii.gz").unlink()
    with pytest.raises(InputError, match=r"t2\.nii\.gz: cannot be read again"):
        writing.describe_source(one)


def test_names_that_are_not_utf_8_survive_json(tmp_path):
    name = os.fsdecode(b"M\xfcller.nii")
    path = write_json(tmp_path / "a.json", {"name": name, "other": "Müller"})
    text = path.read_bytes().decode("utf-8")  # the file itself is UTF-8
    assert "Müller" in text
    assert json.loads(text) == {"name": name, "other": "Müller"}
