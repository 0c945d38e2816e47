"""Builds spinalcord._core from csrc/; everything else stands in pyproject.toml.

Environment:
ONEDNN_ROOT           prefix of another oneDNN 3.x (include/, lib/); linked where it is, not copied
SPINALCORD_SANITIZE   1: address and undefined-behaviour sanitizers
SPINALCORD_DEBUG      1: no optimisation, assertions
SPINALCORD_COVERAGE   1: gcov counters
SPINALCORD_LICENCES   PATH:PATH..., texts of what will be put beside the package (.ci/wheels)
"""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext as _build_ext

ROOT = Path(__file__).resolve().parent
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wvla"]
WARNINGS += ["-Wconversion", "-Wno-sign-conversion", "-Wundef", "-Wdouble-promotion"]
CFLAGS = ["-std=gnu11", "-O3", "-fvisibility=hidden", "-fno-math-errno", "-fno-trapping-math"]
DISTRIBUTIONS = ["onednn-devel-cpu-gomp", "onednn-cpu-gomp"]
AVX2 = ["-mavx2", "-mfma"]
AVX512 = ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mfma"]
AMX = [*AVX512, "-mavx512bf16", "-mamx-tile", "-mamx-bf16", "-mamx-int8"]
# By the end of a file's name; every other file is for any x86-64, so that one wheel runs anywhere.
ISA = {
    "avx2": AVX2,
    "avx2vnni": [*AVX2, "-mavxvnni"],
    "avx512": AVX512,
    "avx512bf16": [*AVX512, "-mavx512bf16"],
    "avx512vnni": [*AVX512, "-mavx512vnni"],
    "amx": AMX,
}
SWITCHES = {
    "SPINALCORD_SANITIZE": ["-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-g"],
    "SPINALCORD_DEBUG": ["-O0", "-g3", "-UNDEBUG"],
    "SPINALCORD_COVERAGE": ["-O1", "-g", "--coverage"],
}


def switched() -> list[str]:
    return [name for name in SWITCHES if os.environ.get(name, "0") not in ("", "0")]


def isa_flags(source: str) -> list[str]:
    return ISA.get(Path(source).stem.rpartition("_")[2], [])


def find_onednn() -> tuple[Path, Path, list[Path]]:
    """Folder of dnnl.h, shared library, licence texts to ship (none if it is not copied)."""
    if root := os.environ.get("ONEDNN_ROOT"):
        patterns = ("include/oneapi/dnnl/dnnl.h", "lib*/libdnnl.so.3", "lib/*/libdnnl.so.3")
        files = [path for pattern in patterns for path in Path(root).glob(pattern)]
    else:
        installed = [d for d in importlib.metadata.distributions() if d.name in DISTRIBUTIONS]
        listed = [file.locate() for d in installed for file in d.files or []]
        files = sorted({Path(os.path.normpath(path)) for path in listed})
    header = next((f for f in files if f.match("oneapi/dnnl/dnnl.h")), None)
    library = next((f for f in files if f.name == "libdnnl.so.3"), None)
    if header is None or library is None:
        sys.exit(
            f"no oneDNN 3.x in {root or 'the installed distributions'}: dnnl.h is {header}, "
            f"libdnnl.so.3 is {library}; install {DISTRIBUTIONS[0]}==2023.2.0 or set ONEDNN_ROOT"
        )
    licences = [f for f in files if f.parent.name == "onednn" and f.name != "README"]
    return header.parents[2], library, licences


def copy_stripped(library: Path, target: Path) -> None:
    if target.exists() and target.stat().st_mtime >= library.stat().st_mtime:
        return
    part = target.with_suffix(".part")  # renamed when done: a process may have mapped the old one
    shutil.copyfile(library, part)
    if shutil.which("strip"):
        subprocess.run(["strip", "--strip-unneeded", part], check=True)
    part.replace(target)


class build_ext(_build_ext):
    def finalize_options(self):
        super().finalize_options()
        if sys.platform != "linux" or platform.machine() != "x86_64":
            sys.exit(f"spinalcord needs Linux on x86-64, not {sys.platform} {platform.machine()}")
        self.build_temp = "-".join([self.build_temp, *switched()])  # never mix their objects

    def run(self):
        self.include, self.library, self.licences = find_onednn()
        super().run()
        if "ONEDNN_ROOT" in os.environ:
            return
        package = Path("" if self.inplace or self.editable_mode else self.build_lib, "spinalcord")
        for text in self.licences:
            shutil.copyfile(text, package / f"libdnnl.{text.stem}.txt")
        for text in filter(None, os.environ.get("SPINALCORD_LICENCES", "").split(":")):
            shutil.copyfile(text, package / f"libgomp.{Path(text).stem}.txt")
        copy_stripped(self.library, package / self.library.name)

    def build_extension(self, ext):
        import numpy

        headers = [numpy.get_include(), sysconfig.get_path("include"), str(self.include)]
        version = f'-DSC_VERSION="{self.distribution.get_version()}"'
        flags = [*CFLAGS, *WARNINGS, *(f for h in headers for f in ("-isystem", h)), version]
        switches = [flag for name in switched() for flag in SWITCHES[name]]

        def compiled(source):
            (path,) = self.compiler.object_filenames([source], output_dir=self.build_temp)
            if not self.force and is_fresh(Path(path)):
                return path
            args = [*flags, *isa_flags(source), *switches, "-MMD"]
            self.compiler.compile([source], self.build_temp, ext.define_macros, extra_postargs=args)
            return path

        with ThreadPoolExecutor(self.parallel or 2) as pool:
            objects = list(pool.map(compiled, ext.sources))
        # Some Pythons add a path of their own, where another oneDNN could be found first.
        linker = [arg for arg in self.compiler.linker_so if not arg.startswith("-Wl,-rpath")]
        self.compiler.linker_so = linker
        rpath = str(self.library.parent) if "ONEDNN_ROOT" in os.environ else "$ORIGIN"
        link = [f"-Wl,-rpath,{rpath}", "-lgomp", "-lm", "-pthread", *switches]
        self.compiler.force = True  # links again after a switch, too
        target = self.get_ext_fullpath(ext.name)
        self.compiler.link_shared_object([*objects, str(self.library)], target, extra_postargs=link)


def is_fresh(obj: Path) -> bool:
    """Whether `obj` is not older than all that its last compilation read, and than this file."""
    depends = obj.with_suffix(".d")
    if not obj.exists() or not depends.exists():
        return False
    read = depends.read_text().replace("\\\n", " ").split()[1:]
    times = [os.path.getmtime(f) if os.path.exists(f) else float("inf") for f in read]
    return obj.stat().st_mtime >= max(*times, Path(__file__).stat().st_mtime)


if __name__ == "__main__":
    os.chdir(ROOT)
    core = Extension(
        "spinalcord._core",
        sources=sorted(str(path) for path in Path("csrc").rglob("*.c")),
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
    )
    setup(ext_modules=[core], cmdclass={"build_ext": build_ext})
