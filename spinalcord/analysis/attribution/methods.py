"""Attribution methods by name: formulas, layers and options.

A map is signed and in the units of what it explains (the answer's logit, the difference of the
logits, or the probability), without the final ReLU of some papers, which only hides what opposes an
answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..._moved import old_names
from ...errors import InputError

Array = np.ndarray[Any, Any]

BLOCKS = ("block1", "block2", "block3", "block4")
LAYERS = ("last", *BLOCKS, "input")
"""Last maps (after norm5), what each dense block gives (1/4 to 1/32 of the image), the image."""

OF = ("logit", "difference", "probability")
"""The answer's logit, its difference from the other answer's, or the answer's probability."""

RING_MM = 5.0
"""Default width of the perilesional ring: half to one diameter of a cord."""


@dataclass(frozen=True)
class Method:
    """Description of an attribution method.

    Attributes
    ----------
    name : str
        Name, as given by users.
    title : str
        Title, as shown to users.
    label : str
        Label within file names.
    layers : tuple of str
        Layers that it supports; the first is the default.
    of : tuple of str
        Quantities that it can explain; the first is the default.
    magnitude : bool
        Whether attribution is the map's magnitude, not its positive part: the sign of a gradient is
        the direction of a change, not the answer that a pixel supports.
    """

    name: str
    title: str
    label: str
    layers: tuple[str, ...]
    of: tuple[str, ...] = OF
    magnitude: bool = False

    def attribution(self, values: Array) -> Array:
        """Return the part of a map that counts as attribution: not negative, same shape."""
        return np.abs(values) if self.magnitude else np.maximum(values, 0)


_CAM = ("last", *BLOCKS)

METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        Method("gradcam", "Grad-CAM", "gradcam", _CAM),
        Method("gradcam++", "Grad-CAM++", "gradcampp", _CAM),
        Method("hirescam", "HiResCAM", "hirescam", (*_CAM, "input")),
        Method("layercam", "LayerCAM", "layercam", _CAM),
        Method("gradient", "gradient", "gradient", ("input",), magnitude=True),
        Method("integrated", "integrated gradients", "integrated", ("input",)),
        Method("occlusion", "occlusion", "occlusion", ("input",), ("difference", "probability")),
    )
}
"""By name."""


@dataclass(frozen=True)
class ExplanationOptions:
    """Method, layer and extras of explanations; the same for all cases of a cohort.

    Parameters
    ----------
    method : str, default "gradcam"
        A name in `METHODS`.
    layer : str, optional
        One of the method's layers; its first if not given.
    of : {"logit", "difference", "probability"}, optional
        Quantity that is explained; the method's first if not given.
    ring_mm : float, default 5
        Width of the perilesional ring, more than 0 and at most 100.
    curves : bool, default False
        Whether to trace deletion and insertion.
    compare : iterable of str, default ()
        Other methods to compare the map with, each ``"method"`` or ``"method:layer"``.

    Raises
    ------
    InputError
        An unknown method; a layer or an `of` that it does not know; a ring out of range; something
        other than names in `compare`, a name twice, or the map's own.

    Examples
    --------
    >>> options = ExplanationOptions("layercam", "block3", compare=["occlusion"])
    >>> options.of, options.compare
    ('logit', ('occlusion:input',))
    """

    method: str = "gradcam"
    layer: str | None = None
    of: str | None = None
    ring_mm: float = RING_MM
    curves: bool = False
    compare: Iterable[str] = field(default=())

    def __post_init__(self) -> None:
        method, layer = _resolve(self.method, self.layer)
        of = method.of[0] if self.of is None else self.of
        if of not in method.of:
            raise InputError(
                f"of is {self.of!r}, expected one of {', '.join(method.of)} for {method.name}"
            )
        ring = _ring(self.ring_mm)
        names = [self.compare] if isinstance(self.compare, str) else list(self.compare)
        compare = tuple(":".join(_named(name)) for name in names)
        if len({f"{method.name}:{layer}", *compare}) <= len(compare):
            raise InputError(
                f"compare is {', '.join(map(str, names))}: expected different methods, and others "
                f"than {method.name} at {layer}"
            )
        for name, value in (("layer", layer), ("of", of), ("ring_mm", ring), ("compare", compare)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "curves", bool(self.curves))

    @property
    def label(self) -> str:
        """The method and its layer within names of files: "gradcam", "layercamBlock3"."""
        return map_label(self.method, self.layer)

    def others(self) -> tuple[ExplanationOptions, ...]:
        """Return the methods to compare with, explaining the same quantity if they can."""
        found = []
        for name in self.compare:
            method, layer = name.split(":")
            of = self.of if self.of in METHODS[method].of else None
            found.append(ExplanationOptions(method, layer, of))
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, as `ExplanationOptions(**values)` takes."""
        return {**asdict(self), "compare": list(self.compare)}


def map_label(method: str, layer: str | None) -> str:
    """Return a method and its layer, if it is not the default, as one word."""
    known = METHODS[method]
    shown = "" if layer in (None, known.layers[0]) else str(layer).capitalize()
    return known.label + shown


# ---- Formulas ---------------------------------------------------------------------------------
#
# activations, gradients: float32 (n, channels, h, w) -> float32 (n, h, w)


def gradcam(activations: Array, gradients: Array) -> Array:
    """Weigh the maps by their mean gradient: Grad-CAM [1]_, equations 1 and 2 without its ReLU.

    References
    ----------
    .. [1] R. R. Selvaraju et al., "Grad-CAM", ICCV 2017.
    """
    weights = gradients.mean(axis=(2, 3), dtype=np.float64)
    return _weighed(weights, activations)


def gradcampp(activations: Array, gradients: Array) -> Array:
    """Weigh the maps by their weighted positive gradient: Grad-CAM++ [1]_, equations 10 and 19.

    The score is taken to be exp(logit), as there, so that powers of the gradient stand for the
    higher derivatives; the factor exp(logit) common to all weights is omitted. The denominator
    contains the rectified maps, as the paper's maps are already: it is zero only where the gradient
    is.

    References
    ----------
    .. [1] A. Chattopadhay et al., "Grad-CAM++", WACV 2018.
    """
    slope = np.maximum(gradients, 0).astype(np.float64)  # other weights are 0
    total = np.maximum(activations, 0).sum(axis=(2, 3), dtype=np.float64)[..., None, None]
    # g^2 / (2 g^2 + g^3 sum(A)), without the powers that would underflow.
    weights = (slope / (2 + slope * total)).sum(axis=(2, 3))
    return _weighed(weights, activations)


def hirescam(activations: Array, gradients: Array) -> Array:
    """Multiply maps and gradients elementwise and sum: HiResCAM [1]_, equation 4.

    At the input that is gradient x input [2]_.

    References
    ----------
    .. [1] R. L. Draelos, L. Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of
       convolutional neural networks", arXiv 2011.08891, 2020.
    .. [2] A. Shrikumar et al., "Not just a black box", arXiv 1605.01713, 2016.
    """
    return _summed(gradients, activations)


def layercam(activations: Array, gradients: Array) -> Array:
    """As HiResCAM, with positive gradients alone: LayerCAM [1]_, equations 5 and 6.

    References
    ----------
    .. [1] P.-T. Jiang et al., "LayerCAM", IEEE Transactions on Image Processing 30, 2021.
    """
    return _summed(np.maximum(gradients, 0), activations)


def gradient(gradients: Array) -> Array:
    """Return the signed gradient of largest magnitude among the channels: [1]_, section 3.1.

    References
    ----------
    .. [1] K. Simonyan et al., "Deep inside convolutional networks", arXiv 1312.6034, 2014.
    """
    where = np.abs(gradients).argmax(axis=1)[:, None]
    return np.take_along_axis(gradients, where, axis=1)[:, 0]


FORMULAS = {
    "gradcam": gradcam,
    "gradcam++": gradcampp,
    "hirescam": hirescam,
    "layercam": layercam,
}
"""Methods that need no more than one layer's maps and gradients."""


def _weighed(weights: Array, activations: Array) -> Array:
    total: Array = np.einsum("nc,nchw->nhw", weights, activations, dtype=np.float64)
    return total.astype(np.float32)


def _summed(weights: Array, activations: Array) -> Array:
    total: Array = np.einsum("nchw,nchw->nhw", weights, activations, dtype=np.float64)
    return total.astype(np.float32)


# ---- Names ------------------------------------------------------------------------------------


def _resolve(name: Any, layer: Any) -> tuple[Method, str]:
    if not isinstance(name, str) or name not in METHODS:
        raise InputError(f"method is {name!r}, expected one of {', '.join(METHODS)}")
    method = METHODS[name]
    chosen = method.layers[0] if layer is None else layer
    if chosen not in method.layers:
        raise InputError(
            f"layer is {layer!r}, expected one of {', '.join(method.layers)} for {name}"
        )
    return method, chosen


def _named(text: Any) -> tuple[str, str]:
    name, _, layer = text.partition(":") if isinstance(text, str) else (text, "", "")
    method, chosen = _resolve(name, layer or None)
    return method.name, chosen


def _ring(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 < number <= 100:
        raise InputError(f"ring_mm is {value!r}, expected a number above 0 and at most 100")
    return number


__getattr__ = old_names(__name__)
