"""Voxels that move: which, from where, and what they keep.  See also test_insertion.py."""

from __future__ import annotations

import numpy as np
import pytest
from phantom.test_host import tube

from spinalcord.phantom.host import measure_host
from spinalcord.phantom.lesion_geometry import sample_lesions
from spinalcord.phantom.moving import draw_site, interpolate_mask, move_voxels


@pytest.fixture(scope="module")
def scan():
    image, cord = tube(noise=4.0)
    host = measure_host(image, cord, (1.0, 1.0, 1.0))
    lesions = sample_lesions(np.random.default_rng(0), "ependymoma", (20.0, 80.0), difficulty=0)
    return image, cord, host, lesions


def test_masks_are_interpolated_linearly():
    mask = np.zeros((3, 3, 3), bool)
    mask[1, 1, 1] = True
    at = np.array([[1, 1, 1], [1, 1, 1.5], [1.5, 0.5, 1.5], [0, 0, 0], [9, 9, 9], [1, 1.25, 1]])
    np.testing.assert_allclose(interpolate_mask(mask, at), [1, 0.5, 0.125, 0, 0, 0.75], atol=1e-6)


def test_a_cord_that_swells_takes_its_content_from_nearer_to_its_middle(scan):
    image, _, host, lesions = scan
    site = draw_site(np.random.default_rng(1), host, lesions, image.shape, widen=True)
    wider = site.wide > 1.05
    assert wider.any()
    u, v = site.place[2:4]
    inner = wider & (np.hypot(u, v) > 0.5) & (np.hypot(u, v) < 1)
    middle = np.array([16.0, 40.0])
    before = np.linalg.norm(site.index[inner][:, [0, 2]] - middle, axis=1)
    after = np.linalg.norm(site.source[inner][:, [0, 2]] - middle, axis=1)
    assert (after < before).mean() > 0.95


def test_without_swelling_voxels_slide_along_the_cord_alone(scan):
    image, cord, host, lesions = scan
    site = draw_site(np.random.default_rng(1), host, lesions, image.shape, widen=False)
    assert (site.wide == 1).all()
    shift = site.source - site.index
    np.testing.assert_allclose(shift[:, [0, 2]], 0, atol=0.05)
    assert 0.1 < np.abs(shift[:, 1]).max() < 0.36
    assert not shift[~site.moved].any() or np.abs(shift[~site.moved]).max() <= 1e-3
    values = move_voxels(np.random.default_rng(2), image, host, site)
    before = image[tuple(site.index.T)]
    np.testing.assert_array_equal(values[~site.moved], before[~site.moved])
    core = site.moved & cord[tuple(site.index.T)] & (np.hypot(*site.place[2:4]) < 0.7)
    assert core.sum() > 300
    assert values[core].mean() == pytest.approx(100, abs=1)
    assert values[core].std() == pytest.approx(4, rel=0.15)


def test_spared_voxels_are_left_out(scan):
    image, cord, host, lesions = scan
    free, spared = (
        draw_site(np.random.default_rng(1), host, lesions, image.shape, widen=False, spared=s)
        for s in (None, cord)
    )
    assert cord[tuple(free.index.T)].any()
    assert not cord[tuple(spared.index.T)].any()
    assert {len(q) for q in (spared.index, *spared.place, spared.wide, spared.source)} == {
        int((~cord[tuple(free.index.T)]).sum())
    }
