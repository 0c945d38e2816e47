"""Ensembles of networks for one role, and test-time flips: the mean of their outputs.

The members of an ensemble lie side by side in a model folder. Each may contain ``"ensemble":
{"members": 5}``, the number that belong together: a folder with fewer or more is rejected, since
its results would differ from those that were measured.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import InputError, ModelError
from .model_file import Model, read_model
from .network import Array, Network, check_settings, resolve_precision

AGREEING = ("network", "in_channels", "preprocessing")
"""Settings that the members share, besides their labels: answers, thresholds and limits."""

_AXES = {"rows": -2, "columns": -1}


@dataclass(frozen=True)
class EnsembleModel(Model):
    """The model files of one role, with the attributes of a single file.

    Parameters
    ----------
    path : pathlib.Path
        Path in the folder of the members, where no such file exists.
    members : tuple of Model
        By file name, two or more.
    """

    members: tuple[Model, ...] = field(default=(), repr=False)

    @cached_property
    def sha256(self) -> str:
        """Checksum of the members' checksums, one per line, in the order of their names."""
        lines = "".join(f"{member.sha256}\n" for member in self.members)
        return hashlib.sha256(lines.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return a description of the ensemble and of its members for a sidecar."""
        kept = ("name", "version", "file", "sha256")
        members = [{key: m.to_dict()[key] for key in kept} for m in self.members]
        return super().to_dict() | {"members": members}


def join_models(models: Sequence[Model]) -> Model:
    """Join the models for a role to one.

    Parameters
    ----------
    models : sequence of Model
        All of one role, by file name.

    Returns
    -------
    Model
        The model itself if there is only one, else an `EnsembleModel`.

    Raises
    ------
    ModelError
        Settings that differ; another number of files than stated in them.
    """
    first = models[0]
    for model in models:
        _check_number(model, len(models))
    if len(models) == 1:
        return first
    for other in models[1:]:
        _check_agreement(first, other)
    notices = dict.fromkeys(model.notice for model in models if model.notice)
    metadata = {
        **first.metadata,
        "name": _common(model.name for model in models),
        "version": _common(model.version for model in models),
        "notice": "; ".join(notices),
    }
    stamp = sum(m.stamp[0] for m in models), sum(m.stamp[1] for m in models)
    path = first.path.with_name(f"{first.role} ({len(models)} files)")
    return EnsembleModel(path, metadata, (), stamp, tuple(models))


def open_model(
    model: Model, precision: str = "f32", threads: int | None = None, *, backend: str = "own"
) -> Network:
    """Open a model for use: an ensemble as one network, with its test-time flips.

    Parameters
    ----------
    model : Model
        Model from a `spinalcord.models.folder.ModelFolder`.
    precision, threads, backend
        As for `Network.open`.

    Returns
    -------
    Network
        The network of a single file without flips, else an `Ensemble`.

    Raises
    ------
    InputError, ModelError, BackendError
        As for `Network.open`; two members that are the same file.
    """
    networks = [
        Network.open(one.path, precision, threads, backend=backend) for one in files_of(model)
    ]
    if len(networks) > 1:
        check_distinct([network.model for network in networks])
    if len(networks) == 1 and not networks[0].model.preprocessing.get("flips"):
        return networks[0]
    joined = join_models([network.model for network in networks])
    return Ensemble(joined, networks, check_settings(precision, threads))


def files_of(model: Model) -> tuple[Model, ...]:
    """Return the model itself, or the members of an ensemble."""
    return model.members if isinstance(model, EnsembleModel) else (model,)


def check_distinct(models: Sequence[Model]) -> None:
    """Check that no file is in an ensemble twice.

    Raises
    ------
    ModelError
        A file is there twice.
    """
    seen: dict[str, str] = {}
    for model in models:
        name = model.path.name
        if seen.setdefault(model.sha256, name) != name:
            raise ModelError(
                f"{model.path.parent}: {seen[model.sha256]} and {name} are the same file; an "
                f"ensemble for {model.role} holds each network once"
            )


class Ensemble(Network):
    """Networks of one role and flips of their input as one network, opened by `open_model`.

    It computes the mean over all members and all combinations of the flips in
    ``preprocessing.flips``, including none: of the probabilities, and of maps that are flipped
    back.
    """

    def __init__(self, model: Model, networks: Sequence[Network], threads: int) -> None:
        self._model = model
        self._networks = tuple(networks)
        self._count = threads
        flips = model.preprocessing.get("flips", [])
        sizes = range(len(flips) + 1)
        self._flips = [c for n in sizes for c in itertools.combinations(flips, n)]

    @property
    def members(self) -> tuple[Network, ...]:
        """The networks, by file name."""
        return self._networks

    @property
    def n_values(self) -> int:
        """Number of values that the networks store."""
        return sum(network.n_values for network in self._networks)

    @property
    def precision(self) -> str:
        """``"f32"`` or ``"bf16"``."""
        return self._networks[0].precision

    @property
    def backend(self) -> str:
        """``"own"`` or ``"onednn"``: the implementation of convolutions."""
        return self._networks[0].backend

    @property
    def threads(self) -> int:
        """Threads that one call uses."""
        return self._count

    def __call__(self, x: Array) -> Array:
        """Compute the mean of the probabilities; see `Network.__call__`."""
        return self.mean(x, lambda network, images, back: back(network(images)))

    def gradcam(self, x: Array, index: int | None) -> tuple[Array, Array]:
        """Compute the mean of the Grad-CAM maps, and of the probabilities; see `Network.gradcam`.

        Raises
        ------
        InputError
            As `Network.gradcam`.
        """
        total: Any = 0.0
        said: Any = 0.0
        for network, images, back in self.views(x):
            maps, probabilities = network.gradcam(images, index)
            total = total + back(maps).astype(np.float64)
            said = said + probabilities.astype(np.float64)
        n = len(self._networks) * len(self._flips)
        return np.float32(total / n), np.float32(said / n)

    def views(self, x: Any) -> Iterator[tuple[Network, Array, Callable[[Array], Array]]]:
        """Yield each network with each flip of the images.

        Parameters
        ----------
        x : float32 (n, c, h, w) array_like

        Yields
        ------
        network : Network
            A member.
        images : float32 (n, c, h, w) array
            Flipped.
        back : callable
            Flips maps (n, ..., h', w') back; arrays with fewer axes are returned unchanged.
        """
        array = self._images(x)
        for names in self._flips:
            axes = tuple(_AXES[name] for name in names if name in _AXES)
            images = array[:, ::-1] if "neighbors" in names else array
            images = np.flip(images, axes) if axes else images

            def back(maps: Array, axes: tuple[int, ...] = axes) -> Array:
                return np.flip(maps, axes) if axes and maps.ndim > 2 else maps

            for network in self._networks:
                yield network, images, back

    def mean(
        self, x: Any, compute: Callable[[Network, Array, Callable[[Array], Array]], Array]
    ) -> Array:
        """Return the float32 mean of the results of `compute` for each of the `views`."""
        n, total = 0, None
        for network, images, back in self.views(x):
            own = compute(network, images, back).astype(np.float64)
            total, n = own if total is None else total + own, n + 1
        assert total is not None  # there is at least one network, with the unflipped input
        return (total / n).astype(np.float32)

    def features(self, x: Array) -> Array:
        """Raise InputError: each member has its own features.

        Raises
        ------
        InputError
            Always.
        """
        raise self._alone("features")

    def backward(
        self, images: Array, direction: Any, *, layer: str = "last", of: str = "logit"
    ) -> tuple[Array, Array]:
        """Raise InputError: each member has its own gradients; see `views`.

        Raises
        ------
        InputError
            Always.
        """
        raise self._alone("backward")

    def profile(self, x: Array) -> list[dict[str, Any]]:
        """Time every layer of every member on an input, one after the other."""
        return [row for network in self._networks for row in network.profile(x)]

    def layers(self, h: int, w: int, *, backward: str | None = None) -> list[dict[str, Any]]:
        """List the layers of every member, one after the other; see `Network.layers`."""
        return [
            row for network in self._networks for row in network.layers(h, w, backward=backward)
        ]

    def _alone(self, what: str) -> InputError:
        return InputError(
            f"{what} is of one network; {self._model.path.name} has {len(self._networks)} with "
            f"{len(self._flips)} flips each: ask its .members"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        paths = tuple(network.model.path for network in self._networks)
        return _reopen_all, (paths, self.precision, self.threads, self.backend)


def _reopen_all(
    paths: Sequence[os.PathLike[str]], precision: str, threads: int, backend: str = "own"
) -> Network:
    models = [read_model(path) for path in paths]
    return open_model(join_models(models), resolve_precision(precision), threads, backend=backend)


def _check_number(model: Model, n: int) -> None:
    said = model.metadata.get("ensemble")
    if said is not None and said["members"] != n:
        raise ModelError(
            f"{model.path} is one of an ensemble of {said['members']} files for {model.role}, "
            f"and its folder has {n}: results would not be those of the ensemble"
        )


def _check_agreement(first: Model, other: Model) -> None:
    pairs = [(key, first.metadata.get(key), other.metadata.get(key)) for key in AGREEING]
    mine, theirs = first.metadata["labels"], other.metadata["labels"]
    keys = [key for key in (mine | theirs) if key != "threshold_from"]
    pairs += [(f"labels.{key}", mine.get(key), theirs.get(key)) for key in keys]
    for key, own, given in pairs:
        if own != given:
            raise ModelError(
                f"{first.path.parent} has two models for {first.role}, {first.path.name} and "
                f"{other.path.name}, which make no ensemble: {key} is {_text(own)} in the one and "
                f"{_text(given)} in the other"
            )


def _text(value: Any) -> str:
    return (
        "not set" if value is None else repr(dict(value) if isinstance(value, Mapping) else value)
    )


def _common(values: Iterator[str]) -> str:
    """Return the common value, or all values in order if they differ."""
    return " + ".join(dict.fromkeys(values))
