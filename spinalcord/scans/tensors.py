"""Convert tensors with an affine, such as MONAI's MetaTensor, to volumes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError


def on_cpu(values: Any) -> np.ndarray:
    """Return an array of anything array-like, or of a tensor wherever it lies.

    Parameters
    ----------
    values : array_like or tensor
        A tensor may require gradients or be on another device.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> on_cpu([1, 2]).tolist()
    [1, 2]
    """
    for step in ("detach", "cpu"):
        values = getattr(values, step)() if hasattr(values, step) else values
    array: np.ndarray = np.asarray(values)
    return array


def from_tensor(tensor: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the voxels and affine of a tensor.

    Parameters
    ----------
    tensor : MetaTensor or the like
        Tensor with `affine`, and with `meta["space"]` if that is not RAS.

    Returns
    -------
    array : ndarray
        Voxels without MONAI's leading channel axis.
    affine : float64 (4, 4) array
        From voxel index to RAS+ millimetres.

    Raises
    ------
    InputError
        A space other than RAS and LPS.
    """
    said: Any = getattr(tensor, "meta", {})
    space = str(said.get("space", "RAS")).upper() if hasattr(said, "get") else "RAS"
    if space not in ("RAS", "LPS"):
        raise InputError(
            f"the {type(tensor).__name__} lies in space {space!r}; RAS or LPS is expected"
        )
    affine = on_cpu(tensor.affine).astype(np.float64)
    voxels = on_cpu(tensor)
    if voxels.ndim == 4 and voxels.shape[0] == 1:
        voxels = voxels[0]
    return voxels, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine if space == "LPS" else affine
