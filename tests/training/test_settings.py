"""spinalcord.training.settings: what is refused, and what may change."""

from __future__ import annotations

import pytest

from spinalcord.errors import InputError
from spinalcord.tasks import DIAGNOSES, TASKS
from spinalcord.training.settings import START, TARGETS, Settings, check_target, classes_of, rate_at


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"batch": 0}, "batch is 0"),
        ({"minutes": 0.0}, "minutes is 0"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"seed": -1}, "seed is -1"),
        ({"patch": (100, 128)}, "multiples of 16"),
        ({"patch": (192, 128)}, "192 to 128"),
        ({"aspect": 0.5}, "aspect is 0.5"),
        ({"patch": (32, 64), "aspect": 3.0}, "expected 1 to 2"),
        ({"window": (224, 16)}, "224 x 16"),
        ({"window": (224, 100)}, "multiples of 32 from 32 to 256"),
        ({"window": (224, 96), "mode": "stretch"}, "stretch resizes to 256 x 256"),
        ({"device": "tpu"}, "'tpu'"),
        ({"precision": "int8"}, "'int8'"),
        ({"mode": "raw"}, "'raw'"),
        ({"schedule": "steps"}, "'steps'"),
    ],
)
def test_what_does_not_fit_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        Settings(**options)


def test_the_classes_are_those_of_the_tasks():
    assert set(TARGETS) == {"segmentation", START, *TASKS}
    assert classes_of("ms_vs_nmosd") == (("MS",), ("NMOSD",))
    assert classes_of("tumor_vs_demyelination")[1] == ("MS", "NMOSD")
    assert tuple(names[0] for names in classes_of(START)) == DIAGNOSES
    with pytest.raises(InputError, match="no classes"):
        classes_of("segmentation")
    with pytest.raises(InputError, match="'dream'"):
        check_target("dream")


def test_only_what_leaves_the_batches_alone_may_change():
    fixed = Settings(epochs=1, minutes=2, device="cpu").fixed()
    assert fixed == Settings().fixed()
    assert Settings(seed=1).fixed() != fixed
    assert Settings(batch=4).fixed() != fixed
    # A cosine's length is part of what it is.
    assert Settings(schedule="cosine", epochs=1).fixed() != Settings(schedule="cosine").fixed()


def test_a_cosine_rises_and_falls_to_nothing():
    rates = [rate_at((step + 0.5) / 1000, 1e-3) for step in range(1000)]
    assert rates[0] == pytest.approx(1e-3 / 60)
    assert max(rates) == pytest.approx(1e-3)
    assert rates.index(max(rates)) in (29, 30)
    assert rates[515] == pytest.approx(0.5e-3, rel=0.01)
    assert 0 < rates[-1] < 1e-8
    assert rate_at(1.5, 1e-3) == 0


def test_neighbouring_slices_are_for_segmentation_alone():
    assert Settings().preprocessing("segmentation")["context_mm"] == 3.5
    assert "context_mm" not in Settings().preprocessing("ms_vs_nmosd")
    assert "context_mm" not in Settings(context_mm=None).preprocessing("segmentation")
    narrow = Settings(window=(64, 32))
    assert narrow.preprocessing("ms_vs_nmosd")["size"] == [64, 32]
    assert narrow.prepared("ms_vs_nmosd")["size"] == [256, 256]


def test_windows_and_pixels_are_those_of_the_target_unless_given():
    own = Settings().preprocessing("ms_vs_nmosd")
    assert (own["pixel_mm"], own["size"]) == (0.6, [192, 64])
    assert Settings().preprocessing("segmentation")["pixel_mm"] == 1.0
    given = Settings(pixel_mm=0.8, window=(64, 32)).preprocessing("ms_vs_nmosd")
    assert (given["pixel_mm"], given["size"]) == (0.8, [64, 32])
    stretched = Settings(mode="stretch").preprocessing("ms_vs_nmosd")
    assert (stretched["pixel_mm"], stretched["size"]) == (1.0, [256, 256])
    once = Settings().resolved("ms_vs_nmosd")
    assert once.resolved("ms_vs_nmosd") == once


def test_letter_is_the_old_name_of_stretch():
    with pytest.warns(DeprecationWarning, match="mode 'letter' is now 'stretch'"):
        assert Settings(mode="letter") == Settings(mode="stretch")
