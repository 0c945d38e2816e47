"""Tensors are taken by what they offer; neither torch nor MONAI is imported for it."""

from __future__ import annotations

import numpy as np
import pytest
from stand_ins import stored, working_array

from spinalcord.errors import InputError
from spinalcord.scans.volume import Volume


class MetaTensor:
    """What MONAI's MetaTensor offers, as far as it is looked at."""

    def __init__(self, array, affine, space="RAS"):
        self.array, self.affine, self.meta = array, affine, {"space": space}

    def detach(self):
        return self

    def cpu(self):
        return self.array

    def __array__(self, *_, **__):
        raise TypeError("a tensor on another device")


def test_tensors_by_protocol():
    scan = stored(working_array())
    torch = pytest.importorskip("torch")
    affine = torch.from_numpy(scan.affine.copy())
    values = torch.from_numpy(scan.array.copy()).requires_grad_()
    assert Volume(values, scan.affine).same_grid(scan)
    flip = torch.diag(torch.tensor([-1.0, -1, 1, 1])).double()
    for space, placed in (("RAS", affine), ("LPS", flip @ affine)):
        found = Volume.from_any(MetaTensor(scan.array[None], placed, space))
        assert found.same_grid(scan)
        np.testing.assert_array_equal(found.array, scan.array)
    with pytest.raises(InputError, match="lies in space 'UNKNOWN'"):
        Volume.from_any(MetaTensor(scan.array, affine, "unknown"))
    with pytest.raises(InputError, match="4-D data"):
        Volume.from_any(MetaTensor(np.zeros((2, 3, 3, 3)), affine))
