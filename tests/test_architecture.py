"""Rules that hold for all sources: who may see whom, how long things are, what is tested."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CSRC, PACKAGE, TESTS = ROOT / "csrc", ROOT / "spinalcord", ROOT / "tests"
C_FILES = sorted(CSRC.rglob("*.[ch]"))
PYTHON_FILES = sorted(PACKAGE.rglob("*.py"))
OTHER_FILES = sorted(
    [path for end in ("js", "pyi") for path in PACKAGE.rglob(f"*.{end}")]
    + [path for end in ("py", "c", "h") for path in TESTS.rglob(f"*.{end}")]
)

# Files that may be longer than the others, and how long.
LONGER = {
    "spinalcord/_core.pyi": 720,  # an extension module has one stub
}

# A folder sees itself and what ranks lower.  api is the public interface and csrc its umbrella,
# spinalcord.h: what all folders see.
RANK = {
    "api": -1,
    "csrc": 0,
    "base": 1,
    "image": 2,
    "stats": 2,
    "kernels": 3,
    "nn": 4,
    "nets": 5,
    "python": 6,
}

# The only source that knows oneDNN.
ONEDNN = "csrc/kernels/conv_onednn.c"

# The same for the package: a room imports from itself and from rooms of a lower rank.  What a type
# checker alone imports does not count.
ROOMS = {
    "errors": 0, "tasks": 0, "threads": 0, "wording": 0, "_core": 0, "": 1, "_moved": 1,
    "extras": 1, "limits": 1, "memory": 1, "paths": 1,
    "scans": 2, "stats": 2, "tables": 2, "run_options": 3, "models": 3, "pictures": 3, "phantom": 3,
    "exchange": 3, "qc": 4, "analysis": 4, "bench": 4, "api": 5, "report": 5, "cohort": 5,
    "demo": 6, "training": 6,
    "commands": 7, "cli": 8, "__main__": 9,
}  # fmt: skip

# Imports inside functions.  Third-party packages that not everyone has, or that take long to import
# (SimpleITK half a second); what a subcommand needs, which the others do not; and these of our own.
SLOW_OR_OPTIONAL = {
    "SimpleITK", "distributed", "highdicom", "matplotlib", "nibabel", "onnxruntime", "pandas",
    "pydicom", "safetensors.torch", "torch", "tqdm",
}  # fmt: skip
LATE = {
    # Pictures and objects are rarely asked for, and would lengthen every start by a tenth.
    ("spinalcord/analysis/classification.py", "spinalcord.analysis.handover"),
    ("spinalcord/analysis/classification.py", "spinalcord.pictures"),
    ("spinalcord/analysis/results.py", "spinalcord.pictures"),
    ("spinalcord/analysis/segmentation.py", "spinalcord.analysis.handover"),
    ("spinalcord/analysis/segmentation.py", "spinalcord.pictures"),
    # Methods of a Volume that call what takes or returns one.
    ("spinalcord/scans/volume.py", "spinalcord.scans.itk"),
    ("spinalcord/scans/volume.py", "spinalcord.scans.nifti"),
    ("spinalcord/scans/volume.py", "spinalcord.scans.reading"),
    ("spinalcord/scans/volume.py", "spinalcord.scans.writing"),
    # Modules that need each other.
    ("spinalcord/cohort/listing.py", "spinalcord.cohort"),
    ("spinalcord/phantom/lesion_geometry.py", "spinalcord.phantom.diseases"),
    ("spinalcord/scans/reading.py", "spinalcord.scans.annotations"),
    ("spinalcord/tables/spreadsheets.py", "spinalcord.tables.reading"),
    # Needs torch, which the rest of the room does not.
    ("spinalcord/training/__init__.py", "spinalcord.training"),
}

# Calls that would touch the process elsewhere.
HARMLESS = {
    "csrc/kernels/conv_onednn.c": {"omp_set_num_threads"},  # by our own threads, each for itself
}

# Sources without a test file of their name, and what tests them instead.
TESTED_ELSEWHERE: dict[str, str] = {
    "csrc/python/module.c": "test_package.py",
    "csrc/python/core.c": "every test that expects an exception of the core",
    "csrc/python/convert.c": "image/test_array.py; every test of a wrong argument",
    "spinalcord/__main__.py": "test_package.py",
    "spinalcord/models/file_settings.py": "models/test_model_file.py: the settings of whole files",
    "spinalcord/scans/reading.py": "scans/test_dicom.py, test_itk.py, test_nifti.py",
    "spinalcord/models/release.py": "models/test_checksums.py",
    "spinalcord/scans/segments.py": "scans/test_annotations.py: what every kind of file gives",
    "spinalcord/scans/contours.py": "scans/test_annotations.py: what every kind of file gives",
    "spinalcord/exchange/maker.py": "analysis/test_handover.py: whole objects, read back",
    "spinalcord/exchange/segmentation_object.py": "analysis/test_handover.py, likewise",
    "spinalcord/exchange/report_object.py": "analysis/test_handover.py, likewise",
    "spinalcord/exchange/capture_object.py": "analysis/test_handover.py, likewise",
    "spinalcord/exchange/slicer.py": "analysis/test_handover.py, likewise",
    "spinalcord/errors.py": "every test of a Raises row",
}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def code(path: Path) -> str:
    """The file without comments and literals, line for line."""
    literal = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(
        rf"//[^\n]*|/\*.*?\*/|{literal}",
        lambda match: "\n" * match[0].count("\n"),
        path.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )


def includes(path: Path, marks: str) -> list[str]:
    pattern = rf"^\s*#\s*include\s+[{marks[0]}]([^{marks[1]}]+)[{marks[1]}]"
    return re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)


def test_there_are_sources():
    assert len(C_FILES) > 5
    assert len(PYTHON_FILES) > 1


@pytest.mark.parametrize("path", C_FILES, ids=name)
def test_folders_depend_one_way(path):
    assert path.parent.name in RANK, "a new folder: give it its place in RANK"
    own = path.parent
    for included in includes(path, '""'):
        target = (own / included).resolve()
        if not target.exists():
            target = CSRC / included
        assert target.is_relative_to(CSRC), f"{included} is not in csrc"
        assert target.exists(), included
        other = target.parent
        assert other == own or RANK[other.name] < RANK[own.name], included


@pytest.mark.parametrize("path", C_FILES, ids=name)
def test_only_the_doors_see_python_and_onednn(path):
    outside = includes(path, "<>") + includes(path, '""')
    python = [i for i in outside if i == "Python.h" or i.startswith("numpy/")]
    onednn = [i for i in outside if "dnnl" in i]
    assert not python or path.parent.name == "python"
    assert bool(onednn) == (name(path) == ONEDNN)


@pytest.mark.parametrize("path", C_FILES, ids=name)
def test_the_core_leaves_the_process_alone(path):
    calls = r"""_?_?exit|_Exit|quick_exit|abort|atexit|assert|f?printf|vf?printf|puts|fputs|putchar
        |perror|system|popen|setenv|putenv|setlocale|signal|sigaction|rand|srand
        |omp_set_num_threads|dnnl_set_\w+|setrlimit|sched_setaffinity""".replace("\n", "")
    found = set(re.findall(rf"\b({re.sub(' ', '', calls)})\s*\(", code(path)))
    assert found == HARMLESS.get(name(path), set())


@pytest.mark.parametrize("path", C_FILES, ids=name)
def test_wide_registers_only_in_files_named_for_them(path):
    """The flags go by the name; elsewhere such code would stop older CPUs."""
    wide = re.findall(r"\b(_mm256|_mm512|_tile)_\w+|__attribute__\(\(target", code(path))
    named = r"_(avx2|avx2vnni|avx512|avx512bf16|avx512vnni|amx)(\.c|\w*\.h)$"
    assert not wide or re.search(named, path.name)


@pytest.mark.parametrize("path", [*C_FILES, *PYTHON_FILES, *OTHER_FILES], ids=name)
def test_files_fit_in_the_head(path):
    longest = LONGER.get(name(path), 450)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= longest


@pytest.mark.parametrize("path", C_FILES, ids=name)
def test_c_functions_fit_on_a_screen(path):
    start = 0
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        start = number if line == "{" else start
        assert not (line == "}" and start and number - start > 61), f"ends in line {number}"


@pytest.mark.parametrize("path", PYTHON_FILES, ids=name)
def test_python_functions_fit_on_a_screen(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= 60, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", [p for p in C_FILES if p.suffix == ".c"], ids=name)
def test_every_c_source_has_a_test_of_its_name(path):
    """conv_f32_avx512.c may share test_conv.c with its twins."""
    words = path.stem.split("_")
    stems = ["_".join(words[:n]) for n in range(1, len(words) + 1)]
    patterns = [f"**/test_{stem}.{end}" for stem in stems for end in ("c", "py")]
    found = [test for pattern in patterns for test in TESTS.glob(pattern)]
    assert bool(found) != (name(path) in TESTED_ELSEWHERE)


@pytest.mark.parametrize("path", PYTHON_FILES, ids=name)
def test_every_module_has_a_test_in_its_place(path):
    """spinalcord/room/noun.py has tests/room/test_noun.py; a package has a folder of tests."""
    room = TESTS / path.parent.relative_to(PACKAGE)
    found = any(room.glob("test_*.py" if path.stem == "__init__" else f"test_{path.stem}.py"))
    assert found != (name(path) in TESTED_ELSEWHERE)


def imported(tree: ast.Module, module: str, is_package: bool) -> set[str]:
    """The modules below spinalcord that a module imports when it runs."""
    out: set[str] = set()
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom):
            above = module.split(".") if module else []
            above = above[: len(above) - node.level + is_package] if node.level else []
            base = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            if node.level == 0 and base.split(".")[0] != "spinalcord":
                continue
            base = base.removeprefix("spinalcord").strip(".")
            out.update(f"{base}.{alias.name}".strip(".") for alias in node.names)
        stack.extend(ast.iter_child_nodes(node))
    return out


@pytest.mark.slow
@pytest.mark.parametrize("path", PYTHON_FILES, ids=name)
def test_rooms_depend_one_way(path):
    module = path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
    module = module.removesuffix("__init__").strip(".")
    room = module.split(".")[0]
    assert room in ROOMS, "a new room: give it its place in ROOMS"
    if not room:
        return  # names only, each imported when it is first used
    for other in imported(
        ast.parse(path.read_text(encoding="utf-8")), module, path.stem == "__init__"
    ):
        target = other.split(".")[0]
        target = target if target in ROOMS else ""  # a name of the package itself: __version__
        assert target == room or ROOMS[target] < ROOMS[room], other


def imported_in_functions(path: Path) -> set[str]:
    """Modules that a source imports only when one of its functions runs."""
    package = path.relative_to(ROOT).parent.parts
    out: set[str] = set()
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in (node for node in ast.walk(tree) if isinstance(node, functions)):
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                out.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package[: len(package) - node.level + 1] if node.level else ()
                out.add(".".join([*above, *filter(None, [node.module])]))
    return out


def test_imports_stand_at_the_top():
    late = {(name(path), module) for path in PYTHON_FILES for module in imported_in_functions(path)}
    own = {
        (path, module)
        for path, module in late
        if module not in SLOW_OR_OPTIONAL and module.split(".")[0] not in SLOW_OR_OPTIONAL
        and not path.startswith(("spinalcord/commands/", "spinalcord/cli.py"))
    }  # fmt: skip
    assert own == LATE


def defined(path: Path) -> list[str]:
    """Public classes and functions of a module."""
    kinds = ast.ClassDef | ast.FunctionDef
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return [n.name for n in body if isinstance(n, kinds) and not n.name.startswith("_")]


def test_one_name_has_one_meaning():
    places: dict[str, list[str]] = {}
    for path in PYTHON_FILES:
        for what in defined(path):
            places.setdefault(what, []).append(name(path))
    twice = {what: where for what, where in places.items() if len(where) > 1}
    # A subcommand is a module with SUMMARY, add_options and run.
    commands = {"add_options", "run", "main"}
    assert {what: where for what, where in twice.items() if what not in commands} == {}


def test_no_exception_is_stale():
    assert [
        path for path in (*TESTED_ELSEWHERE, *HARMLESS, *LONGER) if not (ROOT / path).exists()
    ] == []
