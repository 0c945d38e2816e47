"""The C core; its public names are re-exported by the package."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer, Self

__version__: str

# ---- Images -------------------------------------------------------------------------------------
#
# Working volumes have axes (slice, row, column): slices run L->R, rows S->I, columns A->P.  Results
# are new, C-contiguous arrays; arguments are never modified and may be read-only or strided (they
# are copied if they are not C-contiguous); bool passes for uint8.  A wrong dtype or number of axes
# is a TypeError, whatever else breaks a contract below an InputError.  The GIL is released during
# all computation.

_Mode: TypeAlias = Literal["stretch", "letter", "physical"]

def orient(
    array: NDArray[Any], axes: Sequence[int], flips: Sequence[bool], /
) -> NDArray[np.float32]:
    """Bring a stored scan into the working orientation, as float32.

    Parameters
    ----------
    array : (i, j, k) ndarray of bool, an integer type, float16, float32 or float64
        As stored; any strides and byte order.
    axes : three ints
        Working axis n (slice, row, column) is stored axis ``axes[n]``; a permutation of 0, 1, 2.
    flips : three bools
        Whether stored axis ``axes[n]`` runs against working axis n.

    Raises
    ------
    InputError
        An empty axis; voxels that are NaN, infinite or beyond float32 (the message counts them);
        axes that are no permutation; another dtype (complex, structured, text).
    """

def unorient(volume: NDArray[Any], axes: Sequence[int], flips: Sequence[bool], /) -> NDArray[Any]:
    """Bring a working volume back to the stored grid: the inverse of `orient`, same arguments.

    `volume` is (slice, row, column) of uint8, int32 or float32; the result has its dtype.

    Raises
    ------
    InputError
        An empty axis; axes that are no permutation.
    """

def normalize(volume: NDArray[np.float32], /, *, clip: float = 5.0) -> NDArray[np.float32]:
    """Scale a volume to [0, 1]: z-score, clip to [-clip, clip], then minimum to 0 and maximum to 1.

    Mean and population standard deviation are those of the whole volume, summed in double.
    `volume` is float32 with any number of axes; orient it first, so that copies of a scan in other
    orientations give the same bits.

    Raises
    ------
    InputError
        Empty or constant volume; NaN or infinity; `clip` not positive and finite.
    """

def prepare_segmentation(
    volume: NDArray[np.float32],
    spacing_mm: Sequence[float],
    /,
    *,
    mode: _Mode,
    size: Sequence[int] = (256, 256),
    pixel_mm: float = 1.0,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Resample every slice to the segmentation network's pixels.

    stretch
        Each slice is stretched to `size` (h, w), bilinearly with half-pixel centres and without
        antialiasing; `spacing_mm` and `pixel_mm` are not used.
    physical
        Square pixels of `pixel_mm`: per axis area-weighted where that shrinks, bilinear where it
        enlarges.  The resampled slice has ceil(extent / pixel_mm - 0.01) pixels along each axis,
        its middle lies on the middle of the scan's slice, and its pixels are exactly `pixel_mm`
        apart.  Zeros follow after the last row and column, up to a multiple of 16; `size` is not
        used.

    Parameters
    ----------
    volume : (slices, rows, columns) float32
        Working orientation, normalised.
    spacing_mm : three floats
        Distance of voxel centres along slice, row and column axis.

    Returns
    -------
    images : (slices, 1, h, w) float32
    frame : (4,) float64
        row0, row_step, column0, column_step: image row i shows scan row row0 + i * row_step, and
        columns likewise, in voxels counted from the centre of the first.

    Raises
    ------
    InputError
        Spacing or `pixel_mm` not positive and finite; an image side above 4096 pixels; NaN.
    """

def with_context(images: NDArray[np.float32], step: float, /) -> NDArray[np.float32]:
    """Stack each slice's neighbours as channels around it: before, itself, after.

    Parameters
    ----------
    images : float32 (n, h, w)
        Slices of one stack, in order.
    step : float
        How many slices away the neighbours lie; linear between two slices.  Past the first and
        the last slice those are repeated.

    Returns
    -------
    float32 (n, 3, h, w)

    Raises
    ------
    InputError
        No slice or no pixel; a step that is not positive and finite.
    """

def restore(
    probability: NDArray[np.float32], frame: NDArray[np.float64], shape: Sequence[int], /
) -> NDArray[np.float32]:
    """Bring probability maps back to the scan's own grid, bilinearly.

    Parameters
    ----------
    probability : (slices, h, w) float32
        One output of the network, for images from `prepare_segmentation`.
    frame : (4,) float64
        As returned by `prepare_segmentation`.
    shape : two ints
        Rows and columns of the scan.

    Returns
    -------
    (slices, rows, columns) float32
        Image pixels that show nothing of the scan (padding) do not contribute.

    Raises
    ------
    InputError
        A frame that is not finite, without positive steps, or that shows nothing of the scan;
        rows or columns outside 1 to 32768; NaN or infinity (a failing network must not pass
        for a scan without lesion).
    """

def prepare_classification(
    t2: NDArray[np.float32],
    mask: NDArray[np.uint8],
    t1c: NDArray[np.float32] | None,
    spacing_mm: Sequence[float],
    /,
    *,
    mode: _Mode,
    size: Sequence[int] = (256, 256),
    pixel_mm: float = 1.0,
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    """Make the classifiers' images of the slices with lesion.

    stretch
        Each slice is stretched to `size`, as in `prepare_segmentation`.
    physical
        A window of `size` pixels is cut from the slice resampled as in `prepare_segmentation`,
        centred (to the nearest whole pixel) on the middle of the bounding box of the slice's
        lesion, and zero beyond the scan.  The box is used instead of the centroid so that
        whatever fits into the window lies in it, however the lesion's parts are distributed.  A box
        larger than the window is first cut, along rows and then columns, to the part with the most
        lesion.

    The mask is resampled to the nearest voxel, in both modes.

    Parameters
    ----------
    t2 : (slices, rows, columns) float32
        Working orientation, normalised.
    mask : uint8 of the same shape
        Lesion where not 0.
    t1c : float32 of the same shape, or None
        Contrast-enhanced T1w on the grid of `t2`, normalised; None gives a channel of zeros.
    spacing_mm : three floats
        Along slice, row and column axis.

    Returns
    -------
    images : (n, 3, h, w) float32
        Channels [t1c, t2, mask]; n = 0 where the mask is empty.
    slices : (n,) int64
        Slice that each image shows, ascending.
    frames : (n, 4) float64
        Per image, as in `prepare_segmentation`.

    Raises
    ------
    InputError
        Shapes that differ; spacing or `pixel_mm` not positive and finite; a side above 4096; NaN.
    """

def restore_map(
    maps: NDArray[np.float32],
    slices: NDArray[np.int64],
    frames: NDArray[np.float64],
    size: Sequence[int],
    shape: Sequence[int],
    /,
) -> NDArray[np.float32]:
    """Bring class-activation maps back to the scan's grid, bilinearly.

    Parameters
    ----------
    maps : (n, map_h, map_w) float32
        Coarse maps, each stretched over the whole of its image.
    slices, frames
        As returned by `prepare_classification`.
    size : two ints
        h and w of the images.
    shape : three ints
        Slices, rows and columns of the scan.

    Returns
    -------
    (slices, rows, columns) float32
        0 in other slices and outside the windows.

    Raises
    ------
    InputError
        Numbers of maps, slices and frames that differ; a slice that the scan does not have; sides
        outside 1 to 32768; a bad frame; NaN or infinity.
    """

def resample(
    images: NDArray[np.float32],
    size: Sequence[int],
    frame: NDArray[np.float64],
    /,
    *,
    filter: Literal["linear", "area", "nearest"] = "area",
    outside: Literal["zero", "edge"] = "zero",
) -> NDArray[np.float32]:
    """Resample images: the function on which those above are built.

    Pixel (i, j) of the result shows (row0 + i * row_step, column0 + j * column_step) of `images`.

    Parameters
    ----------
    images : (n, h, w) float32
    size : two ints
        Rows and columns of the result, at most 32768 each.
    frame : (4,) float64
        row0, row_step, column0, column_step; the steps positive.
    filter
        "area" is the mean over the result's pixel along axes with a step above 1 and "linear"
        along others; "nearest" takes the later of two equally near pixels.
    outside
        What pixels show whose centres lie outside the image, whose own pixels reach half a pixel
        beyond their centres.

    Raises
    ------
    InputError
        Sides outside 1 to 32768; a frame that is not finite or without positive steps; NaN or
        infinity; another filter or name for `outside`.
    """

def label(
    mask: NDArray[np.uint8],
    affine: NDArray[np.float64],
    /,
    *,
    connectivity: Literal[6, 18, 26] = 26,
    min_volume_mm3: float = 0.0,
) -> tuple[NDArray[np.int32], int]:
    """Number the connected components of a mask, largest first.

    Parameters
    ----------
    mask : (slices, rows, columns) uint8
        Lesion where not 0.
    affine : (4, 4) float64
        Voxel of the working orientation to RAS+ mm.
    connectivity : 6, 18 or 26
        Neighbours share a face, at least an edge, or at least a corner.
    min_volume_mm3 : float
        Smaller components become background (with a tolerance of one millionth for rounding).

    Returns
    -------
    labels : (slices, rows, columns) int32
        0 is background; equal sizes are numbered by their first voxel in C order.
    n : int

    Raises
    ------
    InputError
        Another connectivity; a negative or NaN volume; an affine that is singular or not finite.
    """

def lesion_table(
    labels: NDArray[np.int32],
    n: int,
    volume: NDArray[np.float32],
    affine: NDArray[np.float64],
    /,
    *,
    cord: NDArray[np.uint8] | None = None,
) -> dict[str, NDArray[Any]]:
    """Measure labelled lesions, in millimetres.

    Parameters
    ----------
    labels : (slices, rows, columns) int32
        0 to n, as returned by `label`; every number must occur.
    n : int
    volume : float32 of the same shape
        Intensities for mean and sd, in any unit.
    affine : (4, 4) float64
        Voxel of the working orientation to RAS+ mm.
    cord : uint8 of the same shape, or None
        Cord where not 0.

    Returns
    -------
    dict of arrays of length n, row i for label i + 1
        label, n_voxels : int64
        volume_mm3 : float64
        length_mm, width_mm, depth_mm : float64
            Extent along row (S-I), column (A-P) and slice (L-R) axis, outer edge to outer edge.
        max_diameter_mm : float64
            Largest distance between two points of the lesion, voxels taken as boxes with corners:
            never less than the three above.
        centroid_mm : (n, 3) float64
            Mean of the voxel centres, RAS+.
        mean, sd : float64
            Of the intensities; sd is that of the population.
        in_cord_fraction : float64, with `cord` only
            Share of the lesion's voxels that lie in the cord.
        max_axial_damage_ratio : float64, with `cord` only
            Largest, over the axial rows, of (lesion in cord) / cord; 0 where they do not meet.

    Raises
    ------
    InputError
        Shapes that differ; labels outside 0 to n, or one that does not occur; an affine that is
        singular or not finite.
    """

# ---- Networks -----------------------------------------------------------------------------------

def peak(precision: str, seconds: float, /) -> float:
    """Return the most multiply-adds a second of one thread in a precision; 0.0 without kernels."""

@final
class Network:
    """A network with its weights, as wrapped and documented by `spinalcord.Network`.

    Parameters
    ----------
    kind : "multiresunet" or "densenet121"
    tensors : list of (name, dtype, shape, begin, end)
        dtype is "F32", "F16" or "BF16"; the data are ``buffer[begin:end]``.
    buffer : bytes-like
        The model file, or the part after its header; not needed afterwards.
    in_channels, outputs, norm_eps, final_norm, final_relu
        As in the model file.
    precision : "f32", "bf16" or "int8"
    threads : int
        Of one call; at least 1.
    isa : str
        The best instruction set to use, for comparisons; see `cpu`.
    backend : "own" or "onednn"
        Whose convolutions.
    ranges : list of (str, float, float)
        For int8: layers' names, smallest and largest values; see `ranges`.

    Raises
    ------
    ModelError
        Tensors that are missing, of another shape, too many, or not finite.
    BackendError
        The CPU lacks an instruction set or precision.
    InputError
        Another kind, precision, instruction set, backend or number.
    """

    def __new__(
        cls,
        kind: str,
        tensors: list[tuple[Any, ...]],
        buffer: Buffer,
        *,
        in_channels: int,
        outputs: int,
        norm_eps: float,
        final_norm: bool,
        final_relu: bool,
        precision: str,
        threads: int,
        isa: str = "auto",
        backend: str = "own",
        ranges: list[tuple[str, float, float]] = ...,
    ) -> Self: ...
    def __call__(self, x: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Run (n, c, h, w) images: probabilities (n, outputs, h, w) or (n, 2)."""

    def check_size(self, h: int, w: int, /) -> None:
        """Raise an `InputError` unless images of h x w can be computed."""

    def plan_info(self, h: int, w: int, /) -> dict[str, Any]:
        """Return how batches of h x w images are computed; see `spinalcord.Network.plan_info`."""

    def ranges(self, x: NDArray[np.float32], /) -> list[tuple[str, float, float, float, float]]:
        """List each step's name, and the least and largest value it reads and writes; f32 only."""

    @property
    def kind(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def backend(self) -> str: ...
    @property
    def threads(self) -> int: ...
    @property
    def n_values(self) -> int:
        """Stored values, statistics included."""

    def backward(
        self,
        images: NDArray[np.float32],
        direction: NDArray[np.float32],
        *,
        layer: str = "last",
        of: str = "logit",
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return a layer's maps and gradient, both (n, channels, rows, columns).

        Parameters
        ----------
        images : (n, 3, h, w) float32
        direction : (2,) or (n, 2) float32
            Weights of the logits, or of the probabilities.
        layer : "input", "block1" to "block4", or "last"
        of : "logit" or "probability"

        Raises
        ------
        InputError
            Another layer, function or network; extents, shapes or values that do not fit.
        """

    def backward_layers(self, h: int, w: int, layer: str, /) -> list[dict[str, Any]]:
        """List the steps of `backward` for images of h x w, as `layers` does."""

    def features(self, x: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return the last feature maps, (n, maps, fh, fw)."""

    def gradcam(
        self, x: NDArray[np.float32], index: int, /
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return signed class-activation maps of a logit, (n, fh, fw), and probabilities, (n, 2).

        The maps of both logits, (n, 2, fh, fw), for the index -1.

        DenseNet121 only; InputError otherwise.
        """

    def layers(self, h: int, w: int, /) -> list[dict[str, Any]]:
        """List the steps for images of h x w: name, kind, implementation, shape and flops."""

    def profile(self, x: NDArray[np.float32], /) -> list[dict[str, Any]]:
        """List the steps with the milliseconds per image and gflops (1e9 per second) of one run."""

def cpu() -> dict[str, Any]:
    """Return what this process can use: name, isa, precisions, threads, onednn."""

def trim_memory() -> None:
    """Give the memory that no call of a network is using back to the system."""

# ---- Training -----------------------------------------------------------------------------------

def batch_norm(
    x: NDArray[np.uint16],
    other: NDArray[np.uint16] | None,
    weight: NDArray[np.float32] | None,
    bias: NDArray[np.float32],
    /,
    *,
    eps: float,
    relu: bool,
    threads: int,
) -> tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.float32], NDArray[np.float32]]:
    """Normalise a batch in bfloat16 by its own statistics.

    Parameters
    ----------
    x : (n, c) uint16
        Bits of bfloat16: pixels by channels.
    other : (n, c) uint16, optional
        If given, ``max(x + other, 0)`` is normalised in place of `x`.
    weight : (c,) float32, optional
        Ones if None.
    bias : (c,) float32
    eps : float
    relu : bool
        Whether a ReLU follows.
    threads : int
        Any number gives the same bits.

    Returns
    -------
    y : (n, c) uint16
    normalised : (n, c) uint16
        `x`, or with `other` the sum: what `batch_norm_backward` takes.
    mean, variance : (c,) float32
        Of the batch; the variance of a population.

    Raises
    ------
    InputError
        No row or channel; extents that differ; no thread.
    BackendError
        The CPU lacks AVX512_BF16, without which bf16 is not among `cpu`'s precisions.
    """

def batch_norm_backward(
    x: NDArray[np.uint16],
    dy: NDArray[np.uint16],
    weight: NDArray[np.float32] | None,
    bias: NDArray[np.float32],
    mean: NDArray[np.float32],
    variance: NDArray[np.float32],
    /,
    *,
    eps: float,
    relu: bool,
    summed: bool,
    threads: int,
) -> tuple[NDArray[np.uint16], NDArray[np.float32], NDArray[np.float32]]:
    """Compute the gradients of `batch_norm`.

    Parameters
    ----------
    x : (n, c) uint16
        The normalised input: the second result of `batch_norm`.
    dy : (n, c) uint16
        Gradient of the result.
    weight, bias, eps, relu, threads
        As for `batch_norm`.
    mean, variance : (c,) float32
        From `batch_norm`.
    summed : bool
        Whether `x` is a sum after a ReLU: its gradient is then that of both addends.

    Returns
    -------
    dx : (n, c) uint16
    dweight, dbias : (c,) float32

    Raises
    ------
    InputError, BackendError
        As `batch_norm`.
    """

# ---- Statistics ---------------------------------------------------------------------------------

def placements(scores: NDArray[np.float64], positive: NDArray[np.uint8], /) -> NDArray[np.float64]:
    """Compute the placement values of scored cases: their means are the AUC.

    Parameters
    ----------
    scores : (models, n) float64
        Higher for the positive class; infinity is allowed.
    positive : (n,) uint8 or bool

    Returns
    -------
    (models, n) float64
        For a positive case the share of negatives that score lower, for a negative case the share
        of positives that score higher; ties count half.

    Raises
    ------
    InputError
        A class that is empty; NaN among the scores; lengths that differ.
    """

def auc_bootstrap(
    scores: NDArray[np.float64],
    positive: NDArray[np.uint8],
    unit: NDArray[np.int64],
    strata: NDArray[np.int64],
    /,
    *,
    replicates: int,
    seed: int,
    threads: int,
) -> NDArray[np.float64]:
    """Compute the AUC of each model in samples drawn with replacement.

    Parameters
    ----------
    scores : (models, n) float64
    positive : (n,) uint8 or bool
    unit : (n,) int64
        What is drawn, with all its cases: 0 to the sum of `strata`, less 1.
    strata : (s,) int64
        Units of each stratum: the first ``strata[0]`` of them, then the next. A unit is replaced by
        units of its stratum only.
    replicates : int
    seed : int
        0 to 2**64 - 1. Replicate r depends on it and on r alone: not on `threads`.
    threads : int

    Returns
    -------
    (replicates, models) float64
        All models see the same samples. NaN where a sample lacks a class.

    Raises
    ------
    InputError
        As `placements`; units or strata out of range; no replicate; no thread.
    """

def ratio_bootstrap(
    numerator: NDArray[np.float64],
    denominator: NDArray[np.float64],
    /,
    *,
    replicates: int,
    seed: int,
    threads: int,
) -> NDArray[np.float64]:
    """Compute the ratio of two sums over n units in samples drawn with replacement.

    Parameters
    ----------
    numerator, denominator : (n,) float64
    replicates, seed, threads : int
        As in `auc_bootstrap`.

    Returns
    -------
    (replicates,) float64
        NaN where the denominators of a sample add up to 0.

    Raises
    ------
    InputError
        No unit; lengths that differ; NaN or infinity; no replicate; no thread.
    """

def distance(
    mask: NDArray[np.uint8], spacing_mm: Sequence[float], /, *, threads: int = 1
) -> NDArray[np.float64]:
    """Exact Euclidean distance of every voxel's centre to the nearest centre in the mask, in mm.

    Parameters
    ----------
    mask : three axes, uint8 or bool
        Inside where not 0.
    spacing_mm : three floats
        Along the axes of `mask`.
    threads : int, default 1
        The result is the same for any.

    Returns
    -------
    float64, the shape of `mask`
        Infinite where the mask is empty.

    Raises
    ------
    InputError
        An axis without voxels; spacing not positive and finite; no thread.
    """

def surface_distances(
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
    spacing_mm: Sequence[float],
    /,
    *,
    threads: int = 1,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances between the surfaces of two masks, voxel centre to voxel centre, in mm.

    A surface voxel shares a face with the background or with the edge of the volume.

    Parameters
    ----------
    a, b : three axes, uint8 or bool
        Inside where not 0; of one shape.
    spacing_mm : three floats
        Along the axes.
    threads : int, default 1
        The result is the same for any.

    Returns
    -------
    a_to_b, b_to_a : one-axis float64
        One distance per surface voxel, in C order.

    Raises
    ------
    InputError
        An empty mask; shapes that differ; spacing not positive and finite; no thread.
    """
