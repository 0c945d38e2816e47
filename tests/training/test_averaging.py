"""spinalcord.training.averaging: the mean of the weights, and its loan to the network."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
averaging = pytest.importorskip("spinalcord.training.averaging")


def layer(value):
    made = torch.nn.BatchNorm2d(1)
    torch.nn.init.constant_(made.weight, value)
    made.running_mean.fill_(value)
    return made


def test_the_mean_follows_the_weights_and_statistics():
    network = layer(0.0)
    mean = averaging.WeightMean(network, 0.5)
    torch.nn.init.ones_(network.weight)
    network.running_mean.fill_(1)
    network.num_batches_tracked.fill_(7)
    want = 0.0
    for step in range(8):
        mean.update(network)
        keep = min(0.5, (1 + step) / (10 + step))
        want = keep * want + 1 - keep
        assert float(mean.state["weight"]) == pytest.approx(want)
        assert float(mean.state["running_mean"]) == pytest.approx(want)
    assert int(mean.state["num_batches_tracked"]) == 7
    assert mean.steps == 8


def test_without_decay_it_is_the_last_weights():
    network = layer(0.0)
    mean = averaging.WeightMean(network, 0.0)
    torch.nn.init.constant_(network.weight, 3)
    mean.update(network)
    assert float(mean.state["weight"]) == 3


def test_the_network_has_the_mean_only_within():
    network = layer(0.0)
    mean = averaging.WeightMean(network, 0.9)
    torch.nn.init.ones_(network.weight)
    with mean.applied(network):
        assert float(network.weight) == 0
    assert float(network.weight) == 1
