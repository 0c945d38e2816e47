"""Outline, classify and explain lesions on sagittal T2-weighted MRI of the spinal cord.

>>> import spinalcord as sc
>>> phantom = sc.phantom.make_case("MS", 5, region="cervical", kind="2d")
>>> segmentation = sc.segment(phantom.t2)
>>> segmentation.found, segmentation.mask.shape == phantom.t2.shape
(True, True)

`segment`, `classify` and `explain` take scans, `run_cohort` a cohort, and `Cohort` makes tables and
figures of its results. `__version__` is the version of the package.

>>> sc.__version__.count(".")
2

Research software: not for clinical use.
"""

from __future__ import annotations

import importlib
import pathlib
from typing import TYPE_CHECKING, Any

from . import _moved

if TYPE_CHECKING:
    from . import phantom as phantom
    from . import report as report
    from . import stats as stats
    from . import training as training
    from ._core import __version__
    from .analysis.attribution import ExplanationOptions
    from .analysis.classification import Diagnosis
    from .analysis.explanation import Explanation
    from .analysis.pipeline import Pipeline
    from .analysis.segmentation import Segmentation
    from .api import classify, explain, segment
    from .cohort import CohortRun, run_cohort
    from .limits import LesionLimits
    from .models.network import Network
    from .report import Cohort
    from .run_options import CohortInputs, Execution, RunOutputs
    from .scans.reading import read
    from .scans.volume import Volume

# Imported when first used, so that `import spinalcord` and the command line's help are fast.
_HOME = {
    "Cohort": "report",
    "CohortInputs": "run_options",
    "CohortRun": "cohort",
    "Diagnosis": "analysis.classification",
    "Execution": "run_options",
    "Explanation": "analysis.explanation",
    "ExplanationOptions": "analysis.attribution",
    "LesionLimits": "limits",
    "Network": "models.network",
    "Pipeline": "analysis.pipeline",
    "RunOutputs": "run_options",
    "Segmentation": "analysis.segmentation",
    "Volume": "scans.volume",
    "classify": "api",
    "explain": "api",
    "read": "scans.reading",
    "run_cohort": "cohort",
    "segment": "api",
}

_MODULES = ("phantom", "report", "stats", "training")

__all__ = [
    "Cohort",
    "CohortInputs",
    "CohortRun",
    "Diagnosis",
    "Execution",
    "Explanation",
    "ExplanationOptions",
    "LesionLimits",
    "Network",
    "Pipeline",
    "RunOutputs",
    "Segmentation",
    "Volume",
    "__version__",
    "classify",
    "explain",
    "phantom",
    "read",
    "report",
    "run_cohort",
    "segment",
    "stats",
    "training",
]


def __getattr__(name: str) -> Any:
    value: Any
    if name == "_core":  # asked for by `from . import _core` before it is imported
        value = _import_core()
    elif name == "__version__":
        value = _import_core().__version__
    elif name in _MODULES:  # packages of their own, with their own names
        value = importlib.import_module(f".{name}", __name__)
    elif name in _HOME:
        value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    else:
        raise AttributeError(f"module 'spinalcord' has no attribute {name!r}")
    globals()[name] = value
    return value


def _import_core() -> Any:
    try:
        return importlib.import_module("._core", __name__)
    except ModuleNotFoundError as error:
        here = pathlib.Path(__file__).resolve().parent
        if error.name != f"{__name__}._core" or not (here.parent / "csrc").is_dir():
            raise
        raise ImportError(
            f"spinalcord was imported from its sources in {here.parent}, where it is not built: "
            "start Python in another folder to use the installed one, or `pip install -e .` there"
        ) from error
    except ImportError as error:
        if "libgomp" not in str(error):
            raise
        raise ImportError(
            "spinalcord needs GCC's OpenMP runtime, libgomp.so.1, which this system lacks: "
            "install it with `apt-get install libgomp1` or `dnf install libgomp`"
        ) from error


def __dir__() -> list[str]:
    return sorted(__all__)


_moved.install()
