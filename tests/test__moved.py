"""Old names work for one release, and their warnings name the new ones."""

from __future__ import annotations

import copy
import importlib
import re
import sys
import warnings

import pytest

from spinalcord._moved import MOVED, RENAMED, MovedFinder, RenamedKeys, take_group
from spinalcord.errors import InputError
from spinalcord.limits import LesionLimits


def expected(new):
    return f"is now spinalcord.{re.escape(new)}; the old name will be removed in version 0.3"


@pytest.mark.parametrize("old", sorted(MOVED))
def test_a_module_is_imported_by_its_old_name(old, monkeypatch):
    if MOVED[old].startswith("pictures.plots") or MOVED[old] == "pictures.style":
        pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    name = f"spinalcord.{old}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the packages above it
        importlib.import_module(name.rpartition(".")[0])
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.warns(DeprecationWarning, match=expected(MOVED[old])):
        module = importlib.import_module(name)
    new = importlib.import_module(f"spinalcord.{MOVED[old]}")
    public = [each for each in vars(new) if not each.startswith("_")]
    assert public
    assert all(getattr(module, each) is getattr(new, each) for each in public)


@pytest.mark.parametrize("old", sorted(RENAMED))
def test_a_class_or_function_is_found_by_its_old_name(old):
    home, _, name = old.rpartition(".")
    module = importlib.import_module(f"spinalcord.{home}")
    assert name not in vars(module)
    with pytest.warns(DeprecationWarning, match=expected(RENAMED[old])):
        found = getattr(module, name)
    new_home, _, new_name = RENAMED[old].rpartition(".")
    assert found is getattr(importlib.import_module(f"spinalcord.{new_home}"), new_name)


def test_other_names_are_still_unknown():
    from spinalcord.analysis import attribution

    with pytest.raises(AttributeError, match="has no attribute 'Mannerism'"):
        _ = attribution.Mannerism
    with pytest.raises(ModuleNotFoundError, match="spinalcord\\.evidences"):
        importlib.import_module("spinalcord.evidences")


def test_a_group_is_given_or_made_of_its_old_keywords():
    given, others = LesionLimits(0.4), {"jobs": 2}
    assert take_group("f", "limits", given, LesionLimits, others) is given
    assert take_group("f", "limits", None, LesionLimits, others) == LesionLimits()
    old = {"threshold": 0.4, "min_peak": 0.9, "jobs": 2}
    message = r"f\(threshold=\.\.\., min_peak=\.\.\.\) is now f\(limits=LesionLimits\(threshold="
    with pytest.warns(DeprecationWarning, match=message):
        found = take_group("f", "limits", None, LesionLimits, old)
    assert found == LesionLimits(0.4, min_peak=0.9)
    assert old == others == {"jobs": 2}


def test_a_group_is_refused_besides_its_old_keywords():
    with pytest.raises(InputError, match="limits and threshold are given; expected one"):
        take_group("f", "limits", LesionLimits(), LesionLimits, {"threshold": 0.4})
    with pytest.raises(InputError, match=r"limits is 0\.4, expected LesionLimits"):
        take_group("f", "limits", 0.4, LesionLimits, {})


def test_a_value_is_found_by_its_old_key():
    values = RenamedKeys({"excluded": 3}, left_out="excluded")
    assert values == {"excluded": 3}
    with pytest.warns(DeprecationWarning, match="the key 'left_out' is now 'excluded'"):
        assert values["left_out"] == 3
    assert copy.deepcopy(values)["excluded"] == 3
    with pytest.raises(KeyError, match="absent"):
        _ = values["absent"]


def test_the_finder_is_installed_once_and_last():
    found = [finder for finder in sys.meta_path if isinstance(finder, MovedFinder)]
    assert len(found) == 1
