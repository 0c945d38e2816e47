"""A network, opened from its model file and computed by the C core."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _core
from ..errors import InputError, ModelError
from .checksums import check_model
from .int8 import stored_ranges
from .model_file import Model, map_model

PRECISIONS = ("f32", "bf16", "int8")

#: Implementation of the convolutions: this package's own kernels, or oneDNN's.
BACKENDS = ("own", "onednn")

#: Layers that `Network.backward` goes down to, from the image to the last maps.
LAYERS = ("input", "block1", "block2", "block3", "block4", "last")
#: Quantities whose gradients it computes.
FUNCTIONS = ("logit", "probability")

Array = np.ndarray[Any, np.dtype[np.float32]]


class Network:
    """A network with its weights; read-only, and safe to call from many threads at once.

    Made by `Network.open`. Equal inputs give equal bits, regardless of other load.

    Examples
    --------
    >>> import numpy as np
    >>> import spinalcord as sc
    >>> network = sc.Pipeline().network("ms_vs_nmosd")
    >>> images = np.random.default_rng(0).random((2, 3, 256, 256), np.float32)
    >>> probabilities = network(images)
    >>> probabilities.shape, probabilities.dtype
    ((2, 2), dtype('float32'))
    """

    def __init__(self, model: Model, core: _core.Network) -> None:
        self._model = model
        self._core = core

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        precision: str = "f32",
        threads: int | None = None,
        *,
        backend: str = "own",
    ) -> Network:
        """Open a model file, check every tensor in it, and prepare its weights.

        Parameters
        ----------
        path : path-like
            A model file.
        precision : {"f32", "bf16", "int8", "auto"}, default "f32"
            Arithmetic of the convolutions; bf16 and int8 need a CPU that has them, and int8 a model
            with scales (`spinalcord.models.int8`), as those of the package are. ``"auto"`` is bf16
            on such a CPU, where it is 2 to 3 times faster, and f32 on others.
        threads : int, optional
            Threads for one call; the CPUs this process may use (its affinity and its
            cgroup's quota, at most OMP_NUM_THREADS) if not given.
        backend : {"own", "onednn"}, default "own"
            Implementation of the convolutions. That of oneDNN is for comparison and as a fallback.
            They agree within 1e-4 in f32 and 3e-2 in bf16 (probabilities), in int8 within 2e-3 on
            average: a byte that is rounded the other way moves a pixel as far as int8 itself does.
            On a CPU without kernels of our own (no AVX2), both are oneDNN's.

        Returns
        -------
        Network
            Ready to be called.

        Raises
        ------
        ModelError
            The file is missing, damaged or of another kind; a tensor is missing, unexpected, of
            the wrong shape or not finite; the folder has a list of checksums, and the file is
            another than the one listed.
        InputError
            An unknown precision or backend, or a number of threads below 1.
        BackendError
            This CPU cannot compute in that precision, the model has no scales for int8, oneDNN has
            none of it here, or it failed.
        """
        threads = check_settings(precision, threads)
        if backend not in BACKENDS:
            raise InputError(f"backend is {' or '.join(BACKENDS)}, got {backend!r}")
        with map_model(path) as (model, buffer):
            check_model(model)
            metadata = model.metadata
            precision = resolve_precision(precision)
            ranges = stored_ranges(model) if precision == "int8" else []
            try:
                core = _core.Network(
                    model.network,
                    list(model.tensors),
                    buffer,
                    in_channels=model.in_channels,
                    outputs=len(model.outputs),
                    norm_eps=float(metadata.get("norm_eps", 1e-3)),
                    final_norm=bool(metadata.get("final_norm", True)),
                    final_relu=bool(metadata.get("final_relu", True)),
                    precision=precision,
                    threads=threads,
                    backend=backend,
                    ranges=ranges,
                )
            except ModelError as error:  # the core knows the tensor, not the file
                raise ModelError(f"{model.path}: {error}") from error
        return cls(model, core)

    @property
    def model(self) -> Model:
        """The settings of the model file."""
        return self._model

    @property
    def kind(self) -> str:
        """``"multiresunet"`` or ``"densenet121"``."""
        return self._model.network

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The model file's settings, unknown keys included."""
        return self._model.metadata

    @property
    def n_values(self) -> int:
        """Number of values that the network stores."""
        return self._core.n_values

    @property
    def precision(self) -> str:
        """``"f32"``, ``"bf16"`` or ``"int8"``."""
        return self._core.precision

    @property
    def backend(self) -> str:
        """``"own"`` or ``"onednn"``: the implementation of convolutions."""
        return self._core.backend

    @property
    def threads(self) -> int:
        """Threads that one call uses."""
        return self._core.threads

    def __call__(self, x: Array) -> Array:
        """Compute probabilities.

        Parameters
        ----------
        x : float32 (n, c, h, w) array_like
            Prepared images, n at least 1. MultiResUNet: h and w multiples of 16 up to 4096.
            DenseNet121: h and w from 32 to 4096.

        Returns
        -------
        float32 array
            MultiResUNet: (n, outputs, h, w). DenseNet121: (n, 2), rows sum to 1.

        Raises
        ------
        InputError
            Another number of axes or channels, an extent out of range, NaN or infinity.
        BackendError
            oneDNN failed.
        """
        return self._core(self._images(x))

    def features(self, x: Array) -> Array:
        """Compute the last feature maps: before the head's convolution, or before the pooling.

        Parameters
        ----------
        x : float32 (n, c, h, w) array_like
            As for a call.

        Returns
        -------
        float32 (n, channels, h', w') array
            MultiResUNet: 51 channels at full size. DenseNet121: 1024 at 1/32 of it.

        Raises
        ------
        InputError, BackendError
            As for a call.
        """
        return self._core.features(self._images(x))

    def gradcam(self, x: Array, index: int | None) -> tuple[Array, Array]:
        """Weight DenseNet121's last maps by the gradient of an answer's logit [1]_.

        Parameters
        ----------
        x : float32 (n, c, h, w) array_like
            As for a call.
        index : {0, 1} or None
            The answer: 0 negative, 1 positive; None: both, from the same pass.

        Returns
        -------
        maps : float32 (n, h', w') array, or (n, 2, h', w') of both
            Signed sum over the channels, before the ReLU that Grad-CAM ends with.
        probabilities : float32 (n, 2) array
            As from a call.

        Raises
        ------
        InputError
            As for a call; another index; a network that is not a classifier.
        BackendError
            oneDNN failed.

        References
        ----------
        .. [1] R. R. Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2.
        """
        self._check_classifier("Grad-CAM needs")
        if index not in (0, 1, None):
            raise InputError(f"index of the answer is 0 or 1, got {index!r}")
        return self._core.gradcam(self._images(x), -1 if index is None else int(index))

    def backward(
        self, images: Array, direction: Any, *, layer: str = "last", of: str = "logit"
    ) -> tuple[Array, Array]:
        """Compute a layer's maps, and the gradient of an answer with respect to them.

        The gradient is that of ``direction[0] * f[0] + direction[1] * f[1]``, where f are the
        logits or the probabilities: ``(0, 1)`` for the positive answer, ``(-1, 1)`` for the
        difference of both. Of the network, only what lies between `layer` and the answer is
        computed backward. The arithmetic is float32, whatever the network was opened in: another
        one keeps its weights in float32 as well, and from the first call on uses them here.

        Parameters
        ----------
        images : float32 (n, c, h, w) array_like
            As for a call.
        direction : float32 (2,) or (n, 2) array_like
            Weights of the negative and the positive answer; one row for each image, or one for
            all.
        layer : {"input", "block1", "block2", "block3", "block4", "last"}, default "last"
            The image; all that a dense block puts out, before the transition or norm5; or
            norm5's maps after their ReLU, as `features` gives them.
        of : {"logit", "probability"}, default "logit"
            Gradients of the logits, or of the softmax of them.

        Returns
        -------
        activations : float32 (n, channels, h', w') array
            The layer's maps; of "input" the images.
        gradients : float32 (n, channels, h', w') array
            At exactly 0, a ReLU lets nothing back; of equal pixels under a max pooling, the
            first gets all of it.

        Raises
        ------
        InputError
            As for a call; a direction of another shape or not finite; another layer or
            function; a network that is not a classifier.
        BackendError
            oneDNN failed.

        References
        ----------
        .. [1] D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by
           back-propagating errors", Nature 323, 1986.
        """
        self._check_classifier("gradients need")
        if layer not in LAYERS:
            raise InputError(f"layer is one of {', '.join(LAYERS)}, got {layer!r}")
        if of not in FUNCTIONS:
            raise InputError(f"gradients are of a {' or a '.join(FUNCTIONS)}, got {of!r}")
        weights = np.asarray(direction)
        if weights.dtype.kind not in "fiub":
            raise InputError(f"direction is float32 (2,) or (n, 2), got {direction!r}")
        return self._core.backward(
            self._images(images), np.ascontiguousarray(weights, np.float32), layer=layer, of=of
        )

    def profile(self, x: Array) -> list[dict[str, Any]]:
        """Time every layer on an input.

        Parameters
        ----------
        x : float32 (n, c, h, w) array_like
            As for a call.

        Returns
        -------
        list of dict
            In order of execution: name, kind, implementation, milliseconds, gflops.

        Raises
        ------
        InputError, BackendError
            As for a call.
        """
        return self._core.profile(self._images(x))

    def plan_info(self, h: int, w: int) -> dict[str, Any]:
        """Return how batches are computed, measured on the first of four images per thread.

        Parameters
        ----------
        h, w : int
            Pixels.

        Returns
        -------
        dict
            ``nbytes`` of a plan's maps; ``batches``: ``"alone"`` (a thread a whole image) or
            ``"together"``; ``alone_ms`` and ``together_ms``, an image, None until measured.

        Raises
        ------
        InputError
            An extent out of range.
        """
        return self._core.plan_info(int(h), int(w))

    def layers(self, h: int, w: int, *, backward: str | None = None) -> list[dict[str, Any]]:
        """List the layers for one input size, with the implementation of each.

        Parameters
        ----------
        h, w : int
            Pixels.
        backward : str, optional
            A layer of `backward`: its steps instead, forward, then back under the same names.

        Returns
        -------
        list of dict
            In order of execution: name, kind, implementation, shape.

        Raises
        ------
        InputError
            An extent out of range; another layer; gradients of a network that is not a classifier.
        BackendError
            oneDNN failed.
        """
        if backward is None:
            return self._core.layers(int(h), int(w))
        self._check_classifier("gradients need")
        return self._core.backward_layers(int(h), int(w), backward)

    def _check_classifier(self, what: str) -> None:
        if self.kind != "densenet121":
            raise InputError(f"{what} a classifier (densenet121), {self._name} is not")

    @property
    def _name(self) -> str:
        return f"{self._model.path.name} ({self.kind})"

    def _images(self, x: Any) -> Array:
        array = np.asarray(x)
        if array.dtype.kind not in "fiub":
            raise InputError(f"images are float32 (n, c, h, w), got an array of {array.dtype}")
        if array.ndim != 4:
            raise InputError(f"images have the axes (n, c, h, w), got the shape {array.shape}")
        if array.shape[1] != self._model.in_channels:
            takes = f"{self._name} takes {self._model.in_channels} channels"
            raise InputError(f"{takes}, got {array.shape[1]} in images of shape {array.shape}")
        if array.dtype != np.float32:  # what is float32 the core checks itself before a copy
            self._core.check_size(*array.shape[2:])
        return array.astype(np.float32, copy=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self._model.path, self.precision, self.threads, self.backend)

    def __repr__(self) -> str:
        return (
            f"<Network {self._model.name} {self._model.version}: {self.kind}, "
            f"{self.precision}, {self.threads} threads>"
        )


def resolve_precision(precision: str) -> str:
    """Return the precision that a setting selects on this CPU.

    Parameters
    ----------
    precision : {"f32", "bf16", "int8", "auto"}
        ``"auto"`` is bf16 where the CPU computes in it (AVX512_BF16 or AMX), else f32.

    Returns
    -------
    {"f32", "bf16", "int8"}

    Raises
    ------
    InputError
        Another setting.

    Examples
    --------
    >>> resolve_precision("f32")
    'f32'
    """
    if precision not in ("auto", *PRECISIONS):
        raise InputError(
            f"precision is f32, bf16 or int8, got {precision!r}; 'auto' is bf16 where the "
            "CPU computes in it, else f32"
        )
    if precision != "auto":
        return precision
    return PRECISIONS[1] if PRECISIONS[1] in _core.cpu()["precisions"] else PRECISIONS[0]


def check_settings(precision: str, threads: int | None) -> int:
    """Check the two settings of every network and fill in the number of threads.

    Parameters
    ----------
    precision : str
        One of `PRECISIONS`, or ``"auto"``.
    threads : int, optional
        At least 1; the CPUs this process may use if not given.

    Returns
    -------
    int
        The number of threads.

    Raises
    ------
    InputError
        Neither of these.
    """
    resolve_precision(precision)
    if threads is None:
        return int(_core.cpu()["threads"])
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise InputError(f"threads is a whole number of at least 1, got {threads!r}")
    return int(threads)


def _reopen(path: os.PathLike[str], precision: str, threads: int, backend: str = "own") -> Network:
    return Network.open(path, precision, threads, backend=backend)
