"""spinalcord.training.checkpoints: whole or not at all, and nothing in them is run."""

from __future__ import annotations

import pickle

import pytest

from spinalcord.errors import InputError

torch = pytest.importorskip("torch", reason="torch is not installed")
checkpoints = pytest.importorskip("spinalcord.training.checkpoints")


def test_a_state_comes_back(tmp_path):
    state = {"step": 3, "lowest": float("inf"), "rows": [{"a": 1.5}], "w": torch.arange(4.0)}
    path = checkpoints.save_checkpoint(tmp_path / "a" / "c.pt", state)
    back = checkpoints.load_checkpoint(path)
    assert torch.equal(back.pop("w"), state.pop("w"))
    assert back == {**state, "layout": checkpoints.LAYOUT}
    assert [p.name for p in path.parent.iterdir()] == ["c.pt"]


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        checkpoints.load_checkpoint(tmp_path / "none.pt")
    path = checkpoints.save_checkpoint(tmp_path / "c.pt", {"step": 1})
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="damaged"):
        checkpoints.load_checkpoint(path)
    torch.save({"step": 1}, path)
    with pytest.raises(InputError, match="this version"):
        checkpoints.load_checkpoint(path)
    with pytest.raises(InputError, match="cannot be written"):
        checkpoints.save_checkpoint(path / "c.pt", {})


class Harm:
    def __reduce__(self):
        return (print, ("harm",))


def test_nothing_in_a_checkpoint_is_run(tmp_path, capsys):
    path = tmp_path / "c.pt"
    path.write_bytes(pickle.dumps(Harm()))
    with pytest.raises(InputError):
        checkpoints.load_checkpoint(path)
    torch.save({"x": Harm()}, path)
    with pytest.raises(InputError):
        checkpoints.load_checkpoint(path)
    assert "harm" not in capsys.readouterr().out
