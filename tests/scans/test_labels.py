"""What the values and names in a mask stand for."""

from __future__ import annotations

import pytest

from spinalcord.errors import InputError
from spinalcord.scans.labels import check_label, choose_segments, parse_label, pick, structure_of


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("lesion", "lesion"), ("MS_Lesion_03", "lesion"), ("Läsion", "lesion"), ("GTVp", "lesion"),
        ("cord lesion", "lesion"), ("Tumour core", "lesion"), ("perilesional oedema", "oedema"),
        ("Edema", "oedema"), ("Syrinx", "cyst"), ("Spinal Cord", "cord"), ("SpinalCord", "cord"),
        ("SC", "cord"), ("not annotated", "unannotated"), ("Segment_1", ""), ("scanner", ""),
        ("cordoma", ""),
    ],
)  # fmt: skip
def test_names_of_segments(name, meant):
    assert structure_of(name) == meant


@pytest.mark.parametrize("label", [0, -1, 1.5, True, "", " ", [1]])
def test_what_is_no_label(label):
    with pytest.raises(InputError, match="a label is a whole number of at least 1, got"):
        check_label(label)


@pytest.mark.parametrize(
    ("label", "match"),
    [
        (
            {"cord": 1},
            "names lesion, and any of cord, oedema, cyst, unannotated; got cord",
        ),
        ({"lesion": 1, "brain": 2}, "got lesion, brain"),
        ({}, "got nothing"),
        ({"lesion": 1, "cord": 1}, "one value to several structures"),
    ],
)
def test_maps_that_are_none(label, match):
    with pytest.raises(InputError, match=match):
        check_label(label)


def test_labels_from_the_command_line():
    assert parse_label("3") == 3
    assert parse_label("lesion=2, cord=Spinal cord") == {"lesion": 2, "cord": "Spinal cord"}
    for text in ("0", "-2", "cord=1", "lesion=0"):
        with pytest.raises(InputError):
            parse_label(text)


def test_what_a_label_says_of_a_structure():
    assert pick(2, "lesion") == pick({"lesion": 2}, "lesion") == 2
    assert pick(2, "cord") is pick({"lesion": 2}, "cord") is pick(None, "lesion") is None


def test_all_segments_that_are_called_lesions_are_taken():
    meant = {"plaque 1": "lesion", "plaque 2": "lesion", "cord": "cord"}
    assert choose_segments(meant, meant, None, "lesion", "it") == ("plaque 1", "plaque 2")
    assert choose_segments(meant, meant, None, "cyst", "it") == ()
    with pytest.raises(InputError, match="no segment is called a lesion's; there are 'cord'"):
        choose_segments(["cord"], meant, None, "lesion", "it")
