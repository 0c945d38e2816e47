"""spinalcord.models.architectures: the tables, and random weights that leave nothing vacuous."""

from __future__ import annotations

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.models import architectures as networks


@pytest.mark.parametrize(
    ("kind", "options", "tensors", "values"),
    [
        ("multiresunet", {}, 348, 7_262_504),
        ("multiresunet", {"in_channels": 3}, 348, 7_262_750),
        # A second output: 51 weights of the last convolution and three numbers of its Norm.
        ("multiresunet", {"outputs": 2}, 348, 7_262_504 + 51 + 3),
        ("multiresunet", {"final_norm": False}, 346, 7_262_504 - 3 + 1),
        ("densenet121", {}, 608, 7_168_962),
    ],
)
def test_sizes_are_the_published_ones(kind, options, tensors, values):
    shapes = networks.tensor_shapes(kind, **options)
    assert len(shapes) == tensors
    assert networks.count_values(shapes) == values


@pytest.mark.parametrize(
    ("units", "widths"),
    [
        (32, (8, 17, 26)),
        (64, (17, 35, 53)),
        (128, (35, 71, 106)),
        (256, (71, 142, 213)),
        (512, (142, 284, 427)),
    ],
)
def test_widths_are_truncated_in_double_precision(units, widths):
    assert networks.multires_widths(units) == widths


def test_some_shapes():
    unet = networks.tensor_shapes("multiresunet", in_channels=2, outputs=3)
    assert unet["encoder.0.a.conv.weight"] == (8, 2, 3, 3)
    assert unet["path.0.0.conv.conv.weight"] == (32, 51, 3, 3)
    assert unet["up.0.weight"] == (853, 256, 2, 2)
    assert unet["decoder.0.shortcut.conv.weight"] == (426, 512, 1, 1)
    assert unet["head.norm.bias"] == (3,)
    assert "head.norm.weight" not in unet
    dense = networks.tensor_shapes("densenet121")
    assert dense["features.denseblock4.denselayer16.conv1.weight"] == (128, 992, 1, 1)
    assert dense["features.transition3.conv.weight"] == (512, 1024, 1, 1)
    assert dense["hidden.weight"] == (128, 1024)


@pytest.mark.parametrize("kind", ["multiresunet", "densenet121"])
def test_random_tensors_fill_the_table(kind):
    tensors = networks.random_tensors(kind, 0)
    assert {name: values.shape for name, values in tensors.items()} == networks.tensor_shapes(kind)
    for name, values in tensors.items():
        assert values.dtype == np.float32, name
        assert values.flags.c_contiguous, name
        assert np.isfinite(values).all(), name
        assert np.any(values != 0), name
        if name.endswith("running_var"):
            assert values.min() > 0.1, name
    scales = [
        values
        for name, values in tensors.items()
        if "norm" in name.split(".")[-2] and name.endswith("weight")
    ]
    assert 0.05 < np.mean(np.concatenate(scales) < 0) < 0.3


def test_random_tensors_are_the_seeds():
    first, same, other = (networks.random_tensors("densenet121", seed) for seed in (5, 5, 6))
    assert all(np.array_equal(first[name], same[name]) for name in first)
    assert not any(np.array_equal(first[name], other[name]) for name in first)


def test_random_tensors_are_pinned():
    # The golden files stand on these bits.
    tensors = networks.random_tensors("multiresunet", 0)
    pinned = [0.07259037345647812, -0.07627078145742416, 0.36974817514419556]
    assert tensors["encoder.0.a.conv.weight"].ravel()[:3].tolist() == pinned


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("resnet", {}, "'resnet', expected one of densenet121, multiresunet"),
        ("multiresunet", {"in_channels": 0}, "0 input channels"),
        ("multiresunet", {"outputs": 0}, "0 outputs"),
        ("densenet121", {"outputs": 3}, "3 outputs, expected 2"),
    ],
)
def test_what_cannot_be_is_refused(kind, options, message):
    with pytest.raises(InputError, match=message):
        networks.tensor_shapes(kind, **options)


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="seed is -1"):
        networks.random_tensors("multiresunet", -1)
