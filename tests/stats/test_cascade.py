"""Bounds of the chain's accuracy."""

from __future__ import annotations

import itertools

import pytest

from spinalcord.errors import InputError
from spinalcord.stats import Branch, chain_bounds


def test_bounds_are_those_of_every_overlap():
    n, first, second = 6, 4, 3
    seen = set()
    for right in itertools.combinations(range(n), second):
        seen.add(len(set(range(first)) & set(right)))
    assert Branch(n, first, second).bounds == (min(seen), max(seen))
    assert Branch(10, 2, 3).bounds == (0, 2)


def test_bounds_of_the_letter():
    low, high = chain_bounds(Branch(79, 74, 65), Branch(78, 76, 62))
    assert (low.k, high.k, low.n) == (120, 127, 157)
    assert low.sentence(digits=1).startswith("76.4 % (120 of 157)")
    assert high.sentence(digits=1).startswith("80.9 % (127 of 157)")


def test_counts_are_checked():
    with pytest.raises(InputError, match="more correct than cases"):
        Branch(5, 6, 1)
    with pytest.raises(InputError, match="below 0"):
        Branch(5, -1, 1)
    with pytest.raises(InputError, match="level"):
        chain_bounds(Branch(5, 3, 1), level=0)
