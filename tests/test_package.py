"""The package as installed: its names, what importing it loads, what its extension needs."""

from __future__ import annotations

import gc
import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import spinalcord
from spinalcord import _core
from spinalcord.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
OPTIONAL = {"nibabel", "SimpleITK", "matplotlib", "torch", "pandas", "dask", "pydicom", "scipy"}


def run(program: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_version_is_the_one_in_pyproject():
    stated = re.findall(
        r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert stated == [spinalcord.__version__]
    installed = {d.version for d in importlib.metadata.distributions(name="spinalcord")}
    assert installed <= {spinalcord.__version__}  # none if built in place


def test_every_public_name_is_there_and_documented():
    names = {*spinalcord._HOME, *spinalcord._MODULES}
    assert set(spinalcord.__all__) == {*names, "__version__"}
    for name in names:
        assert getattr(spinalcord, name).__doc__, name


@pytest.mark.slow
def test_dir_lists_the_public_names_and_no_others():
    shown = run(
        "import spinalcord\n"
        "assert dir(spinalcord) == sorted(spinalcord.__all__)\n"
        "spinalcord.read, spinalcord.stats, spinalcord._core\n"
        "assert dir(spinalcord) == sorted(spinalcord.__all__)\n"
        "from spinalcord import *\n"
        "print(*sorted(set(spinalcord.__all__) - set(globals())))"
    )
    assert shown.split() == []


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'spinalcord' has no attribute 'segmnet'"):
        spinalcord.segmnet  # noqa: B018 - the access is the test


@pytest.mark.parametrize("program", ["import spinalcord", "import spinalcord; spinalcord.Network"])
def test_import_loads_no_optional_weight(program):
    loaded = run(f"{program}\nimport sys\nprint(*{{m.partition('.')[0] for m in sys.modules}})")
    assert "spinalcord" in loaded.split()
    assert OPTIONAL.isdisjoint(loaded.split())


@pytest.mark.parametrize("use", ["spinalcord.__version__", "spinalcord.Network"])
def test_missing_openmp_runtime_is_named(use):
    shown = run(
        "import spinalcord, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'spinalcord._core':\n"
        "            raise ImportError('libgomp.so.1: cannot open shared object file')\n"
        "sys.meta_path.insert(0, Finder())\n"
        f"try:\n    {use}\n"
        "except ImportError as error:\n    print(error)\n"
    )
    assert "apt-get install libgomp1" in shown


def test_sources_that_are_not_built_are_named(tmp_path):
    (tmp_path / "csrc").mkdir()
    (tmp_path / "spinalcord").mkdir()
    for file in ("__init__.py", "_moved.py", "errors.py"):
        shutil.copy(Path(spinalcord.__file__).with_name(file), tmp_path / "spinalcord")
    shown = run(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
        "import spinalcord\n"
        "try:\n    spinalcord.__version__\nexcept ImportError as error:\n    print(error)\n"
    )
    assert f"imported from its sources in {tmp_path}, where it is not built" in shown
    assert "pip install -e ." in shown


def test_only_the_init_function_is_exported():
    if shutil.which("nm") is None:
        pytest.skip("nm (binutils) is not installed")
    command = ["nm", "--dynamic", "--defined-only", _core.__file__]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "__gcov" in table:
        pytest.skip("built with SPINALCORD_COVERAGE, whose counters export their own names")
    by_linker = {"__bss_start", "_edata", "_end"}
    assert {line.split()[-1] for line in table.splitlines()} - by_linker == {"PyInit__core"}


def test_onednn_comes_from_the_package_with_its_licence():
    folder = Path(_core.__file__).parent
    if not (folder / "libdnnl.so.3").exists():
        pytest.skip("built with ONEDNN_ROOT")
    maps = run("import spinalcord._core; print(open('/proc/self/maps').read())")
    assert {line.split()[-1] for line in maps.splitlines() if "libdnnl" in line} == {
        str(folder / "libdnnl.so.3")
    }
    assert "Apache License" in (folder / "libdnnl.LICENSE.txt").read_text(encoding="utf-8")
    assert (folder / "libdnnl.THIRD-PARTY-PROGRAMS.txt").stat().st_size > 0


@pytest.mark.slow
def test_a_second_module_object_leaves_the_first_alone():
    spec = importlib.util.spec_from_file_location("spinalcord._core", _core.__file__)
    for _ in range(3):
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.__version__ == _core.__version__
        del module
        gc.collect()
    assert run("import spinalcord").strip() == ""
    with pytest.raises(InputError):
        _core.normalize(np.zeros((2, 2), np.float32))


def test_types_are_marked_as_shipped():
    assert (Path(spinalcord.__file__).parent / "py.typed").exists()


def test_readme_points_at_what_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    local = {link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link}
    assert [link for link in local if not (ROOT / link).exists()] == []
    assert {f"docs/{page.name}" for page in ROOT.glob("docs/*.md")} <= local
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = re.findall(r"^(\w+) = \[", project.split("[project.optional-dependencies]")[1], re.M)
    used = re.findall(r"\.\[(\w+)\]", text)
    assert "test" in used
    assert set(used) <= set(extras)


def test_package_runs_as_a_command():
    command = [sys.executable, "-m", "spinalcord", "--version"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()[-1]) == (0, spinalcord.__version__)
