"""Old names and keywords, for one release: they work, and a warning names the new ones.

Version 0.2 grouped the modules of 0.1 in folders (`scans`, `models`, `analysis`, `pictures`,
`commands`). The names in ``spinalcord.__all__`` were never affected.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Group = TypeVar("Group", bound="DataclassInstance")

MOVED = {
    "checksums": "models.release",
    "classification": "analysis.classification",
    "cohort.cases": "cohort.listing",
    "cord": "analysis.cord",
    "document": "pictures.document",
    "evidence": "analysis.attribution",
    "evidence.agreement": "analysis.attribution.map_agreement",
    "evidence.curves": "analysis.attribution.perturbation_curves",
    "evidence.finding": "analysis.attribution.finding",
    "evidence.focus": "analysis.attribution.focus",
    "evidence.hiding": "analysis.attribution.hiding",
    "evidence.maps": "analysis.attribution.maps",
    "evidence.methods": "analysis.attribution.methods",
    "evidence.occlusion": "analysis.attribution.occlusion",
    "explanation": "analysis.explanation",
    "lesions": "analysis.lesions",
    "metadata": "models.file_settings",
    "modelfile": "models.model_file",
    "mosaic": "pictures.mosaic",
    "network": "models.network",
    "networks": "models.architectures",
    "orientation": "scans.orientation",
    "pipeline": "analysis.pipeline",
    "plots": "pictures.plots",
    "plots.answers": "pictures.plots.answers",
    "plots.canvas": "pictures.style",
    "plots.composing": "pictures.plots.composing",
    "plots.slices": "pictures.plots.slices",
    "plots.viewing": "pictures.plots.viewing",
    "png": "pictures.png",
    "reading": "scans.reading",
    "reading.dicom": "scans.dicom",
    "reading.header": "scans.header",
    "reading.itk": "scans.itk",
    "reading.nifti": "scans.nifti",
    "reading.series": "scans.series",
    "reading.stack": "scans.stack",
    "reading.weighting": "scans.weighting",
    "report.figures.style": "pictures.style",
    "results": "analysis.results",
    "scene": "pictures.scene",
    "segmentation": "analysis.segmentation",
    "volume": "scans.volume",
    "working": "scans.preparation",
    "writing": "scans.writing",
}
"""Old name to new name, both below ``spinalcord``."""

RENAMED = {
    "analysis.attribution.Evidence": "analysis.attribution.Attribution",
    "analysis.attribution.EvidenceMaps": "analysis.attribution.AttributionMaps",
    "analysis.attribution.Manner": "analysis.attribution.ExplanationOptions",
    "analysis.attribution.find_evidence": "analysis.attribution.find_attribution",
    "analysis.attribution.finding.Evidence": "analysis.attribution.Attribution",
    "analysis.attribution.finding.find_evidence": "analysis.attribution.find_attribution",
    "analysis.attribution.map_evidence": "analysis.attribution.map_attribution",
    "analysis.attribution.maps.EvidenceMaps": "analysis.attribution.AttributionMaps",
    "analysis.attribution.maps.map_evidence": "analysis.attribution.map_attribution",
    "analysis.attribution.methods.Manner": "analysis.attribution.ExplanationOptions",
    "analysis.classification.classify": "api.classify",
    "analysis.explanation.check_target": "analysis.explanation.check_answer",
    "analysis.explanation.explain": "api.explain",
    "analysis.pipeline.shared_pipeline": "api.shared_pipeline",
    "analysis.results.Recorded": "analysis.results.Result",
    "analysis.results.check_number": "limits.check_number",
    "analysis.segmentation.segment": "api.segment",
    "analysis.pipeline.Case": "analysis.case.CaseResults",
    "pictures.scene.Frame": "pictures.scene.Crop",
}
"""Old name to new name of classes and functions, likewise.

A module that has lost a name to another says so by ``__getattr__ = old_names(__name__)``.
"""


def old_names(module: str) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a module that finds its names of `RENAMED`.

    Parameters
    ----------
    module : str
        Its ``__name__``.

    Returns
    -------
    callable
    """
    package, _, below = module.partition(".")

    def find(name: str) -> object:
        new = RENAMED.get(f"{below}.{name}")
        if new is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, new_name = new.rpartition(".")
        warnings.warn(
            f"{module}.{name} is now {package}.{new}; the old name will be removed in version 0.3",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(importlib.import_module(f"{package}.{home}"), new_name)

    return find


class RenamedKeys(dict[str, Any]):
    """A dict that finds what is looked up by an old key, and warns.

    Parameters
    ----------
    values : mapping
        By the new keys.
    **old
        Old key to new key.
    """

    def __init__(self, values: Mapping[str, Any], **old: str) -> None:
        super().__init__(values)
        self._old = old

    def __missing__(self, key: str) -> Any:
        if key not in self._old:
            raise KeyError(key)
        new = self._old[key]
        warnings.warn(
            f"the key {key!r} is now {new!r}; the old key will be removed in version 0.3",
            DeprecationWarning,
            stacklevel=2,
        )
        return self[new]


def take_group(
    call: str, name: str, given: Group | None, kind: type[Group], old: dict[str, Any]
) -> Group:
    """Return a group of options: as given, or made of single keywords, which are deprecated.

    Parameters
    ----------
    call, name : str
        The function, and its keyword for the group.
    given : object or None
        The group, where the caller has passed one.
    kind : type
        Its dataclass, whose fields were keywords of the function.
    old : dict
        Single keywords of the call; those of this group are removed.

    Returns
    -------
    object
        An instance of `kind`.

    Warns
    -----
    DeprecationWarning
        Single keywords, with the call that takes their place.

    Raises
    ------
    InputError
        Both are given, or something other than the group.
    """
    single = {each.name: old.pop(each.name) for each in fields(kind) if each.name in old}
    if given is not None and single:
        raise InputError(f"{name} and {', '.join(single)} are given; expected one or the other")
    if given is not None and not isinstance(given, kind):
        raise InputError(f"{name} is {given!r}, expected {kind.__name__}")
    if single:
        shown = ", ".join(f"{option}=..." for option in single)
        warnings.warn(
            f"{call}({shown}) is now {call}({name}={kind.__name__}({shown})); the old keywords "
            "will be removed in version 0.3",
            DeprecationWarning,
            stacklevel=3,
        )
    return kind(**single) if given is None else given


class MovedFinder:
    """Find the modules of `MOVED`; stands behind all other finders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec for a moved module, else None."""
        package, _, name = fullname.partition(".")
        if package != __package__ or name not in MOVED:
            return None
        # Without the base classes of importlib.abc, whose import takes half as long as ours.
        loader: Any = _MovedLoader(f"{package}.{MOVED[name]}")
        below = any(old.startswith(f"{name}.") for old in MOVED)
        return ModuleSpec(fullname, loader, is_package=below)


class _MovedLoader:
    """Return the module of the new name."""

    def __init__(self, new: str) -> None:
        self._new = new

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        warnings.warn(
            f"{spec.name} is now {self._new}; the old name will be removed in version 0.3",
            DeprecationWarning,
            stacklevel=2,  # the frames of the import system do not count
        )
        return _Alias(spec.name, importlib.import_module(self._new))

    def exec_module(self, module: ModuleType) -> None:
        pass

    def get_code(self, fullname: str) -> CodeType:
        """Return what ``python -m`` runs."""
        source = f"import runpy; runpy.run_module({self._new!r}, run_name='__main__')"
        return compile(source, fullname, "exec")


class _Alias(ModuleType):
    """A module whose names are those of another, read and set there."""

    def __init__(self, name: str, module: ModuleType) -> None:
        super().__init__(name, module.__doc__)
        self.__dict__["_module"] = module
        # Else the other's is found, and modules below are loaded a second time from there.
        self.__dict__["__path__"] = []
        self.__dict__["__all__"] = [n for n in vars(module) if not n.startswith("_")]

    def __getattr__(self, name: str) -> object:
        return getattr(self.__dict__["_module"], name)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("__"):  # the import system's own: __spec__, __path__, ...
            super().__setattr__(name, value)
        else:
            setattr(self.__dict__["_module"], name, value)


def install() -> None:
    """Append the finder to the others, once."""
    if not any(isinstance(finder, MovedFinder) for finder in sys.meta_path):
        sys.meta_path.append(MovedFinder())
