"""spinalcord.training.problems: losses have gradients, validation is the same each time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.training.settings import Settings

torch = pytest.importorskip("torch", reason="torch is not installed")
problems = pytest.importorskip("spinalcord.training.problems")

CPU = torch.device("cpu")
SMALL = Settings(batch=2, patch=(32, 32), seed=1)


@pytest.mark.parametrize("augment", [True, False])
def test_segmentation(patch_entries, augment):
    problem = problems.make_problem("segmentation", patch_entries, replace(SMALL, augment=augment))
    assert problem.outputs == ["lesion", "cord"]
    assert problem.n_train == 8
    shapes = []

    def forward(x):
        shapes.append(tuple(x.shape))
        return torch.cat([x[:, 1:2] * weight, x[:, 1:2] * 3 - 1], 1)

    weight = torch.tensor(2.0, requires_grad=True)
    loss = problem.loss(forward, problem.draw(0), 0, CPU)
    loss.backward()
    assert shapes == [(2, 3, 32, 32)]
    assert float(weight.grad) != 0
    with torch.no_grad():
        first = problem.validate(forward, CPU)
        assert first == problem.validate(forward, CPU)
    assert set(first[1]) == {"dice_lesion", "dice_cord"}
    assert 0 < first[1]["dice_cord"] < 1


def test_segmentation_without_cord_masks(patch_entries):
    entries = [replace(e, has_cord=False, cord=()) for e in patch_entries]
    problem = problems.make_problem("segmentation", entries, SMALL)
    assert problem.outputs == ["lesion"]
    assert problem.build().head.conv.out_channels == 1
    none = [replace(e, lesion=()) for e in entries]
    with pytest.raises(InputError, match="no training case has a lesion"):
        problems.make_problem("segmentation", none, SMALL)


def test_head_starts_at_the_prior(patch_entries):
    head = problems.make_problem("segmentation", patch_entries, SMALL).build().head
    assert head.conv.bias.tolist() == [-4.0, -4.0]


def test_a_task_is_measured_by_patient(window_entries):
    entries = [e for e in window_entries if e.case.diagnosis in ("MS", "NMOSD")]
    problem = problems.make_problem("ms_vs_nmosd", entries, SMALL)
    loss, figures = problem.validate(lambda x: torch.zeros(len(x), 2), CPU)
    assert loss == pytest.approx(np.log(2))
    assert figures == {"accuracy": 0.5, "auc": 0.5}
    assert problem.build().output.out_features == 2


@pytest.mark.parametrize("augment", [True, False])
def test_a_narrow_window_is_all_that_is_seen(window_entries, augment):
    entries = [e for e in window_entries if e.case.diagnosis in ("MS", "NMOSD")]
    settings = replace(SMALL, window=(64, 32), augment=augment)
    problem = problems.make_problem("ms_vs_nmosd", entries, settings)
    shapes = set()

    def forward(x):
        shapes.add(tuple(x.shape[1:]))
        return torch.zeros(len(x), 2)

    problem.loss(forward, problem.draw(0), 0, CPU)
    problem.validate(forward, CPU)
    assert shapes == {(3, 64, 32)}


def test_four_diagnoses(window_entries):
    problem = problems.make_problem("diagnosis", window_entries, replace(SMALL, batch=4))
    assert problem.build().output.out_features == 4
    scores = torch.zeros(4, requires_grad=True)
    batch = problem.draw(0)
    loss = problem.loss(lambda x: scores.expand(len(x), 4), batch, 0, CPU)
    assert float(loss.detach()) == pytest.approx(np.log(4))
    assert problem.figures == ("accuracy",)


def test_a_class_without_lesion_is_refused(window_entries):
    entries = [replace(e, lesion=()) if e.case.split == "validation" else e for e in window_entries]
    with pytest.raises(InputError, match="no lesion in any validation mask"):
        problems.make_problem("diagnosis", entries, replace(SMALL, batch=4))


def test_auc():
    positive = np.array([True, False, True, False])
    assert problems.auc_value(positive, np.array([0.9, 0.1, 0.4, 0.4])) == 0.875
