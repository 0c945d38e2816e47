"""Find, list and verify the model files in a folder, and write random ones.

A role is ``"segmentation"`` or one of the three tasks of `spinalcord.tasks`. The role of a file is
read from its settings, never from its name; several files for one role are an ensemble.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, ModelError
from ..paths import local_path
from ..tasks import TASKS
from .architectures import NORM_EPS, OUTPUTS, random_tensors
from .checksums import SUMS, check_folder, check_model, read_sums
from .ensemble import check_distinct, files_of, join_models
from .model_file import Model, read_model, write_model
from .network import Network

ROLES = ("segmentation", *TASKS)
"""Roles of models, in the order of use."""

WEIGHTS_DIR = Path(__file__).parents[1] / "weights"
"""Folder of the models that come with the package."""


@dataclass(frozen=True)
class ModelFolder:
    """The models of one folder.

    Parameters
    ----------
    path : pathlib.Path
        The folder.
    models : mapping of str to Model
        By role, in the order of `ROLES`; may lack some. An ensemble is one model here.
    """

    path: Path
    models: Mapping[str, Model]

    @property
    def shipped_empty(self) -> bool:
        """Whether this is the package's own folder and holds no model."""
        return not self.models and self.path == WEIGHTS_DIR

    def model(self, role: str) -> Model:
        """Return the model for a role, or raise ModelError with instructions to get one."""
        if role in self.models:
            return self.models[role]
        if self.shipped_empty:
            raise ModelError(
                "this version of the package comes without trained models: pass models=FOLDER "
                "(--models FOLDER on the command line); `spinalcord models random FOLDER` makes "
                "a set with random weights for trying things out"
            )
        found = ", ".join(self.models) or "none"
        raise ModelError(f"{self.path} has no model for {role}; found: {found}")


def find_models(models: str | os.PathLike[str] | None = None) -> ModelFolder:
    """Read the headers of the model files in a folder.

    Parameters
    ----------
    models : path-like, optional
        Folder with files that end in ``.safetensors``; those that come with the package if
        not given.

    Returns
    -------
    ModelFolder
        The models found; a missing role is an error only when it is used.

    Raises
    ------
    ModelError
        No such folder, a damaged file in it, or files for one role whose settings differ, so that
        they make no ensemble; files other than those in its list of checksums, where it has one,
        as the package's own must.
    """
    found: dict[str, list[Model]] = {}
    folder = _folder(models)
    files = _files(folder)
    _check_list(folder, files)
    for path in files:
        model = read_model(path)
        found.setdefault(model.role, []).append(model)
    return ModelFolder(folder, {role: join_models(found[role]) for role in ROLES if role in found})


def list_models(models: str | os.PathLike[str] | None = None) -> list[dict[str, Any]]:
    """Describe every model file in a folder, damaged ones with the error.

    Files whose sha256 differs from the folder's list of checksums count as damaged.

    Parameters
    ----------
    models : path-like, optional
        As for `find_models`.

    Returns
    -------
    list of dict
        By file name: ``file`` and either what `Model.to_dict` gives, ``flips`` where the model
        has test-time flips and ``members`` where it is one of several for its role, or ``error``.

    Raises
    ------
    ModelError
        No such folder; files other than those in its list of checksums.
    """
    rows: list[dict[str, Any]] = []
    roles: dict[str, list[tuple[Model, dict[str, Any]]]] = {}
    folder = _folder(models)
    files = _files(folder)
    _check_list(folder, files)
    for path in files:
        try:
            model = read_model(path)
            check_model(model)
            rows.append(_describe(model))
            roles.setdefault(model.role, []).append((model, rows[-1]))
        except ModelError as error:
            rows.append({"file": path.name, "error": str(error)})
    for found in roles.values():
        _describe_together(found)
    return rows


def _describe(model: Model) -> dict[str, Any]:
    flips = model.preprocessing.get("flips")
    return {**model.to_dict(), **({"flips": flips} if flips else {})}


def _describe_together(found: list[tuple[Model, dict[str, Any]]]) -> None:
    """Add to the rows of one role their number, or why they cannot form an ensemble."""
    told: dict[str, Any] = {"members": len(found)} if len(found) > 1 else {}
    try:
        join_models([model for model, _ in found])
    except ModelError as error:
        told = {"error": str(error)}
    for _, row in found:
        row |= told


def verify_model(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Check a model file in full: header, settings, and every tensor's name, shape and values.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    dict
        The result of `Model.to_dict`, with ``n_values``: number of values that the network stores.

    Raises
    ------
    ModelError
        The first error, with the file and the key or tensor.
    """
    network = Network.open(path, threads=1)
    return {**_describe(network.model), "n_values": network.n_values}


def verify_models(models: str | os.PathLike[str] | None = None) -> list[dict[str, Any]]:
    """Check every model file in a folder in full with `verify_model`.

    Parameters
    ----------
    models : path-like, optional
        As for `find_models`.

    Returns
    -------
    list of dict
        In the order of `ROLES`, of an ensemble by file name: what `verify_model` gives.

    Raises
    ------
    ModelError
        What is wrong with the first that is damaged; a folder without any model; a file that an
        ensemble holds twice.
    """
    folder = find_models(models)
    if not folder.models:
        folder.model(ROLES[0])
    for model in folder.models.values():
        check_distinct(files_of(model))
    return [
        {**verify_model(file.path), **({"members": len(files)} if len(files) > 1 else {})}
        for files in map(files_of, folder.models.values())
        for file in files
    ]


def write_random(folder: str | os.PathLike[str], seed: int = 0) -> list[Path]:
    """Write a set of models with random weights, for tests.

    They are untrained: their results are meaningless, as stated by their notice, which every result
    repeats.

    Parameters
    ----------
    folder : path-like
        Made if absent; files of the same names are replaced.
    seed : int, default 0
        Equal seeds give equal weights.

    Returns
    -------
    list of pathlib.Path
        ``segmentation.safetensors`` (lesion and cord) and one file for each task.

    Raises
    ------
    InputError
        A negative seed, or a folder that cannot be written.
    """
    if seed < 0:
        raise InputError(f"seed is {seed}, expected 0 or more")
    folder = local_path(folder)
    paths = []
    for index, role in enumerate(ROLES):
        metadata = _random_metadata(role, seed)
        network = metadata["network"]
        tensors = random_tensors(
            network,
            seed * len(ROLES) + index,
            in_channels=metadata["in_channels"],
            outputs=len(metadata["labels"].get("outputs", ())) or OUTPUTS[network],
            final_norm=metadata.get("final_norm", True),
        )
        metadata["norm_eps"] = NORM_EPS[network]
        path = write_model(folder / f"{role}.safetensors", tensors, metadata)
        if role == "segmentation":
            metadata["labels"] |= _random_thresholds(path)
            write_model(path, tensors, metadata)
        paths.append(path)
    return paths


def _random_thresholds(path: Path) -> dict[str, float]:
    """Choose thresholds at which a random network finds some lesions and cord.

    The middle of random probabilities lies anywhere, but hardly depends on the image: about a
    hundredth of it becomes lesion and a tenth cord, as for noise so for scans.
    """
    noise = np.random.default_rng(0).random((1, 1, 128, 128), np.float32)
    maps = Network.open(path, threads=1)(noise)[0]
    shares = {"threshold": (0, 0.99), "cord_threshold": (1, 0.9)}
    return {
        key: min(max(round(float(np.quantile(maps[output], share)), 2), 0.01), 0.99)
        for key, (output, share) in shares.items()
    }


def _random_metadata(role: str, seed: int) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": f"random-{role.replace('_', '-')}",
        "version": str(seed),
        "preprocessing": {"mode": "physical", "pixel_mm": 1.0, "size": [256, 256], "clip": 5.0},
        "training": {"seed": seed, "epochs": 0},
        "notice": f"random weights (seed {seed}) for trying things out; results mean nothing",
    }
    if role == "segmentation":
        return metadata | {
            "network": "multiresunet",
            "in_channels": 1,
            "final_norm": False,
            "labels": {
                "kind": "segmentation",
                "outputs": ["lesion", "cord"],
                "threshold": 0.5,
                "min_lesion_mm3": 20.0,
                "keep_outside_cord": True,  # as it is random too, it would exclude all lesions
            },
        }
    task = TASKS[role]
    return metadata | {
        "network": "densenet121",
        "in_channels": 3,
        "final_relu": True,
        "labels": {
            "kind": "classification",
            "task": role,
            "negative": task.negative,
            "positive": task.positive,
            "threshold": 0.5,
            "threshold_from": "none: random weights",
        },
    }


def model_files(models: str | os.PathLike[str] | None = None) -> list[Path]:
    """Return the model files in a folder by name, without reading them.

    Parameters
    ----------
    models : path-like, optional
        As for `find_models`.

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    ModelError
        No such folder.
    """
    return _files(_folder(models))


def _folder(models: str | os.PathLike[str] | None) -> Path:
    if models is None:
        return WEIGHTS_DIR
    folder = local_path(models, ModelError)
    if not folder.is_dir():
        raise ModelError(f"{folder} is not a folder; expected a folder of model files")
    return folder


def _check_list(folder: Path, files: list[Path]) -> None:
    check_folder(folder, files)
    if folder == WEIGHTS_DIR and files and read_sums(folder) is None:
        raise ModelError(
            f"{folder} has no {SUMS}, so its models cannot be trusted: install the package again, "
            "or list what you put there with `python -m spinalcord.models.release`"
        )


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*.safetensors") if not p.name.startswith("."))
