"""Memory of maps: lent from network to network, kept for the next call, given back on request."""

from __future__ import annotations

import os

import numpy as np
import pytest
from nets import cases

from spinalcord import _core
from spinalcord.models.network import Network

UNET, DENSE = cases.CASES[0], next(case for case in cases.CASES if case.kind == "densenet121")


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_networks_lend_each_other_memory_but_no_bits(precision, open_case):
    if precision not in _core.cpu()["precisions"]:
        pytest.skip("no bf16 on this CPU")
    nets = [open_case(case, precision) for case in (UNET, DENSE)]
    nets += [open_case(case, "f32") for case in (UNET, DENSE)]
    every = [cases.images(0, (5, net.model.in_channels, 64, 96)) for net in nets]
    first = []
    for net, images in zip(nets, every, strict=True):
        _core.trim_memory()
        first.append(net(images))
    for other, images in zip(nets, every, strict=True):
        for net, own, want in zip(nets, every, first, strict=True):
            other(np.full_like(images, 1e30))
            np.testing.assert_array_equal(net(own), want)
    assert all(np.isfinite(want).all() for want in first)


def resident_nbytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def leave_a_hole():
    """Make the heap of malloc keep 240 MB that it could serve blocks from; return its lid."""
    np.ones(31 << 20, np.uint8)  # freed at once: from now on, such blocks come from the heap
    blocks = [np.ones(30 << 20, np.uint8) for _ in range(9)]
    return blocks.pop()


@pytest.mark.slow
@pytest.mark.parametrize("prepare", [lambda: None, leave_a_hole], ids=["fresh", "hole"])
def test_memory_is_kept_until_it_is_trimmed(prepare, open_case):
    net = open_case(UNET)
    lid = prepare()
    net(cases.images(0, (1, 1, 512, 512)))
    used = resident_nbytes()
    net(cases.images(0, (1, 1, 16, 16)))
    assert abs(resident_nbytes() - used) < 16 << 20
    _core.trim_memory()
    assert resident_nbytes() < used - net.plan_info(512, 512)["nbytes"] // 2
    _core.trim_memory()  # of nothing
    del lid


@pytest.mark.slow
@pytest.mark.parametrize(
    ("threads", "side", "batches"),
    [(2, 64, "alone"), (2, 256, "together"), (3, 256, "alone"), (1, 256, "together")],
)
def test_who_computes_a_batch_before_it_is_measured(tmp_path, threads, side, batches):
    # A network of its own: others have measured what `open_case` has opened.
    network = Network.open(cases.write_case(tmp_path, UNET), threads=threads)
    assert network.plan_info(side, side)["batches"] == batches
