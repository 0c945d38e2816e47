"""spinalcord.training.auxiliary: numbers of a table as further outputs, and without them again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.training.settings import Settings

torch = pytest.importorskip("torch", reason="torch is not installed")
auxiliary = pytest.importorskip("spinalcord.training.auxiliary")
problems = pytest.importorskip("spinalcord.training.problems")
starting = pytest.importorskip("spinalcord.training.starting")

CPU = torch.device("cpu")
SMALL = Settings(batch=4, seed=1, augment=False, auxiliary=("margin",))


def with_values(entries, values):
    return [
        replace(e, case=replace(e.case, truth={**e.case.truth, "margin": v} if v else e.case.truth))
        for e, v in zip(entries, values, strict=True)
    ]


def numbered(entries):
    return with_values(entries, [str(0.5 + k) for k in range(len(entries))])


def test_values_are_standardized(window_entries):
    entries = window_entries[:4]
    found = auxiliary.auxiliary_values(with_values(entries, ["1", "2", "3", "6"]), ("margin",))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, 0], np.array([-2, -1, 0, 3]) / np.sqrt(3.5), rtol=1e-6)
    assert auxiliary.auxiliary_values(entries, ()) is None


def test_cases_without_a_value_are_counted(window_entries):
    entries = with_values(window_entries[:4], ["1", "", "n/a", "3"])
    with pytest.warns(SpinalcordWarning, match="2 of 4 training cases have no value .* margin"):
        found = auxiliary.auxiliary_values(entries, ("margin",))
    np.testing.assert_allclose(found[:, 0], [-1, np.nan, np.nan, 1])


@pytest.mark.parametrize("word", ["wide", "inf", "1e999"])
def test_what_is_no_number_is_refused(window_entries, word):
    entries = with_values(window_entries[:2], ["1", word])
    with pytest.raises(InputError, match=f"margin is '{word}', expected a finite number"):
        auxiliary.auxiliary_values(entries, ("margin",))


def test_a_constant_column_is_refused(window_entries):
    with pytest.raises(InputError, match="margin has fewer than two different values"):
        auxiliary.auxiliary_values(with_values(window_entries[:2], ["1", "1"]), ("margin",))


@pytest.mark.slow
def test_the_outputs_learn_and_are_removed(window_entries):
    problem = problems.make_problem("diagnosis", numbered(window_entries), SMALL)
    batch = problem.draw(0)
    assert np.isfinite(batch.auxiliary).all()
    outputs = torch.zeros(4, 5, requires_grad=True)
    problem.loss(lambda x: outputs, batch, 0, CPU).backward()
    # Half the mean of smooth L1: its slope is the distance, at most 1, over the batch.
    far = np.clip(-batch.auxiliary[:, 0], -1, 1)
    np.testing.assert_allclose(outputs.grad[:, 4].numpy(), 0.5 * far / 4, rtol=1e-5)
    network = problem.build()
    assert network.output.out_features == 5
    first = network.output.weight[:4].detach().clone()
    problem.finish(network)
    assert network.output.out_features == 4
    assert torch.equal(network.output.weight, first)
    whole = problem.validate(lambda x: torch.zeros(len(x), 5), CPU)
    assert whole[0] == pytest.approx(np.log(4))


@pytest.mark.slow
def test_a_start_without_them_gains_them(window_entries, tmp_path):
    network = problems.make_problem(
        "diagnosis", window_entries, replace(SMALL, auxiliary=())
    ).build()
    tensors = {
        name: value.numpy()
        for name, value in network.state_dict().items()
        if "num_batches" not in name
    }
    start = starting.write_start(tmp_path / "start.safetensors", tensors, {})
    wider = problems.make_problem("diagnosis", numbered(window_entries), SMALL).build()
    own = wider.output.weight[4:].detach().clone()
    starting.load_init(wider, "diagnosis", start)
    assert torch.equal(wider.output.weight[:4], network.output.weight)
    assert torch.equal(wider.output.weight[4:], own)
