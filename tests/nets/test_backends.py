"""Whose convolutions: the package's own, or oneDNN's on request."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from nets import cases

from spinalcord.errors import InputError
from spinalcord.models import architectures as networks
from spinalcord.models.network import Network

UNET, DENSE = cases.CASES[0], next(case for case in cases.CASES if case.kind == "densenet121")
BOTH = pytest.mark.parametrize("case", [UNET, DENSE], ids=lambda case: case.kind)


@pytest.mark.parametrize("precision", ["f32", "bf16"])
@BOTH
@pytest.mark.slow
def test_onednn_agrees(case, precision, open_case, request, tmp_path):
    """As closely as the documentation of `Network.open` says, and by oneDNN alone."""
    if precision == "bf16":
        request.getfixturevalue("bf16_or_skip")
    own = open_case(case, precision)
    other = Network.open(own.model.path, precision, 2, backend="onednn")
    assert (own.backend, other.backend) == ("own", "onednn")
    assert pickle.loads(pickle.dumps(other)).backend == "onednn"
    x = cases.images(1, (2, networks.IN_CHANNELS[case.kind], 48, 80))
    want = own(x)
    assert want.std() > 0.01
    np.testing.assert_allclose(other(x), want, rtol=0, atol={"f32": 1e-4, "bf16": 3e-2}[precision])
    np.testing.assert_array_equal(other(x), other(x))
    kernels = [s["implementation"] for s in other.layers(48, 80) if s["kind"] == "convolution"]
    assert all(name.startswith("onednn:") for name in kernels)


def test_an_unknown_backend_is_refused(open_case):
    path = open_case(UNET).model.path
    with pytest.raises(InputError, match="backend is own or onednn, got 'mkl'"):
        Network.open(path, backend="mkl")
