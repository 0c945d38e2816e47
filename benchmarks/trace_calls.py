"""Count the source files that a scan passes through, and the calls that lead back up.

``python benchmarks/trace_calls.py`` segments a phantom and records every call between two files of
the installed package. A call leads up if the called module imports, directly or through others, the
module that calls it: the module below then depends on one above it, by a callback, a method or an
import within a function. Imports within functions and those for type checkers do not define what is
above. The program uses only public functions of the package, and therefore runs on older versions.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import nibabel

import spinalcord

PACKAGE = Path(spinalcord.__file__).resolve().parent
CALLS = ("segment", "classify", "explain")


def main() -> int:
    """Trace one call and print what was counted as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--call", choices=CALLS, default="segment")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scan.nii.gz"
        case = spinalcord.phantom.make_case("MS", 3, region="cervical", kind="2d")
        nibabel.save(nibabel.Nifti1Image(case.t2.array, case.t2.affine), scan)
        print(json.dumps(measure(options.call, scan), indent=1))
    return 0


def measure(name: str, scan: Path) -> dict[str, Any]:
    """Call `segment`, `classify` or `explain` on a scan; return counts, and the calls up."""
    modules = sorted(PACKAGE.rglob("*.py"))
    for path in modules:  # so that no import happens within the call
        if path.stem != "__main__" and "training" not in path.parts:
            importlib.import_module(module_name(path))
    function = getattr(spinalcord, name)
    task = ("ms_vs_nmosd",) if name == "explain" else ()
    calls = trace(lambda: function(str(scan), *task))
    above = importers(modules)
    up = Counter({f"{a} -> {b}": n for (a, b), n in calls.items() if b in above.get(a, ())})
    files = {end for pair in calls for end in pair}
    return {
        "call": name,
        "version": spinalcord.__version__,
        "files": len(files),
        "calls_between_files": sum(calls.values()),
        "calls_up": sum(up.values()),
        "up": dict(up.most_common()),
        "passed": sorted(files),
    }


def trace(function: Callable[[], object]) -> Counter[tuple[str, str]]:
    """Run a function; count the calls from one file of the package into another, by module."""
    calls: Counter[tuple[str, str]] = Counter()
    names: dict[str, str | None] = {}

    def module_of(frame: FrameType) -> str | None:
        file = frame.f_code.co_filename
        if file not in names:
            path = Path(file)
            names[file] = module_name(path) if path.is_relative_to(PACKAGE) else None
        return names[file]

    def profile(frame: FrameType, event: str, _: object) -> None:
        called = module_of(frame) if event == "call" else None
        if called is None:
            return
        caller = frame.f_back
        while caller is not None and module_of(caller) is None:
            caller = caller.f_back
        by = None if caller is None else module_of(caller)
        if by is not None and by != called:
            calls[by, called] += 1

    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    return calls


def importers(modules: list[Path]) -> dict[str, set[str]]:
    """Return, for each module, all that import it at their top, directly or through others."""
    known = {module_name(path) for path in modules}
    direct: dict[str, set[str]] = {name: set() for name in known}
    for path in modules:
        for found in imported(path) & known:
            direct[found].add(module_name(path))
    return {name: _closure(name, direct) for name in known}


def imported(path: Path) -> set[str]:
    """Return the names that a module imports when it is imported itself."""
    package = path.relative_to(PACKAGE.parent).parent.parts
    out: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *filter(None, [node.module])])
            out.add(base)
            out.update(f"{base}.{alias.name}" for alias in node.names)
    return out


def module_name(path: Path) -> str:
    """Return the dotted name of a file of the package."""
    parts = path.resolve().relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _closure(name: str, direct: dict[str, set[str]]) -> set[str]:
    out: set[str] = set()
    stack = [name]
    while stack:
        new = direct[stack.pop()] - out
        out |= new
        stack.extend(new)
    return out


if __name__ == "__main__":
    sys.exit(main())
