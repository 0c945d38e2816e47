"""The build: flags by name, and what is compiled again."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

pytest.importorskip("setuptools")
SPEC = importlib.util.spec_from_file_location("setup", Path(__file__).parents[1] / "setup.py")
setup = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(setup)


def test_instruction_sets_go_by_the_end_of_the_name():
    assert setup.isa_flags("csrc/kernels/conv.c") == []
    assert setup.isa_flags("csrc/kernels/conv_avx2_notes.c") == []
    assert setup.isa_flags("csrc/kernels/conv_avx2.c") == ["-mavx2", "-mfma"]
    assert "-mavx512bf16" not in setup.isa_flags("csrc/kernels/conv_avx512.c")
    assert "-mavx512bf16" in setup.isa_flags("csrc/kernels/conv_avx512bf16.c")
    assert setup.isa_flags("csrc/kernels/conv_avx2vnni.c") == ["-mavx2", "-mfma", "-mavxvnni"]
    assert "-mamx-bf16" in setup.isa_flags("csrc/kernels/conv_amx.c")


def test_nothing_relaxes_floating_point():
    flags = {*setup.CFLAGS, *(flag for isa in setup.ISA.values() for flag in isa)}
    assert flags.isdisjoint({"-ffast-math", "-Ofast", "-fassociative-math", "-march=native"})


def test_object_is_fresh_until_a_header_changes(tmp_path):
    header, obj = tmp_path / "a.h", tmp_path / "a.o"
    header.touch()
    assert not setup.is_fresh(obj)
    obj.touch()
    assert not setup.is_fresh(obj)  # never seen compiled
    (tmp_path / "a.d").write_text(f"a.o: \\\n {header}\n")
    assert setup.is_fresh(obj)
    os.utime(header, (obj.stat().st_mtime + 5,) * 2)
    assert not setup.is_fresh(obj)
    header.unlink()
    assert not setup.is_fresh(obj)


def test_another_onednn_must_be_complete_and_of_version_3(tmp_path, monkeypatch):
    monkeypatch.setenv("ONEDNN_ROOT", str(tmp_path))
    header, library = tmp_path / "include/oneapi/dnnl/dnnl.h", tmp_path / "lib/x/libdnnl.so.3"
    for path in (header, library.with_suffix(".2")):
        with pytest.raises(SystemExit, match=r"no oneDNN 3\.x in .*libdnnl\.so\.3 is None"):
            setup.find_onednn()
        path.parent.mkdir(parents=True)
        path.touch()
    library.touch()
    assert setup.find_onednn() == (tmp_path / "include", library, [])


def test_library_is_copied_again_only_when_newer(tmp_path):
    library, target = tmp_path / "libdnnl.so.3", tmp_path / "copy"
    shutil.copyfile(os.path.realpath(sys.executable), library)
    setup.copy_stripped(library, target)
    first = target.stat()
    assert 0 < first.st_size <= library.stat().st_size
    setup.copy_stripped(library, target)
    assert target.stat() == first
    os.utime(library, (first.st_mtime + 5,) * 2)
    setup.copy_stripped(library, target)
    assert target.stat().st_ino != first.st_ino
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "libdnnl.so.3"]


@pytest.mark.slow
def test_source_archive_and_wheel_hold_the_weights(tmp_path):
    """Nothing is compiled: the archive is made, and what `build_py` takes is a wheel's content."""
    root = Path(__file__).parents[1]
    copy = tmp_path / "copy"
    shutil.copytree(
        root / "spinalcord",
        copy / "spinalcord",
        ignore=shutil.ignore_patterns("*.so*", "__pycache__", "weights"),
    )
    for file in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(root / file, copy)
    shutil.copy(root / "THIRD-PARTY.md", copy)
    # The build brings the setuptools that it needs; an environment's own may be older, and then
    # knows the licence only as a table.
    project = (copy / "pyproject.toml").read_text(encoding="utf-8")
    for new, old in (
        ('license = "Apache-2.0"', 'license = {text = "Apache-2.0"}'),
        ('license-files = ["LICENSE", "THIRD-PARTY.md"]\n', ""),
    ):
        assert new in project
        project = project.replace(new, old)
    (copy / "pyproject.toml").write_text(project, encoding="utf-8")
    weights = copy / "spinalcord" / "weights"
    weights.mkdir()
    for file in ("a.safetensors", "SHA256SUMS", "notes.txt"):
        (weights / file).write_text(file)
    command = [sys.executable, "setup.py", "-q", "sdist", "build_py", "--build-lib", "built"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    expected = {"a.safetensors", "SHA256SUMS"}
    assert {path.name for path in (copy / "built/spinalcord/weights").iterdir()} == expected
    assert (copy / "built/spinalcord/training/__init__.py").exists()
    (archive,) = (copy / "dist").iterdir()
    with tarfile.open(archive) as files:
        held = {Path(name) for name in files.getnames()}
    assert {path.name for path in held if path.parent.name == "weights"} == expected
