"""spinalcord.training.importing: checkpoints of others, one tensor for each of ours."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from spinalcord.cli import main
from spinalcord.errors import InputError, ModelError
from spinalcord.models.architectures import random_tensors
from spinalcord.models.model_file import read_model, stored_tensors
from spinalcord.models.network import Network

torch = pytest.importorskip("torch", reason="torch is not installed")
importing = pytest.importorskip("spinalcord.training.importing")
build = pytest.importorskip("spinalcord.training.torch_networks").build

UNET, DENSE = "multiresunet", "densenet121"
IMAGES = np.random.default_rng(3).random((1, 3, 64, 64), np.float32)


def state(kind, **options):
    """A state_dict with random weights, as PyTorch stores it."""
    tensors = random_tensors(kind, 1, **options)
    return {name: torch.from_numpy(value) for name, value in tensors.items()}


def answer(path, images=IMAGES):
    return Network.open(path)(images)


def expected(tensors, images=IMAGES):
    network = build(DENSE).eval()
    network.load_state_dict(tensors, strict=False)
    with torch.inference_mode():
        return network(torch.from_numpy(images)).numpy()


@pytest.mark.slow
@pytest.mark.parametrize("wrapped", ["plain", "module", "lightning"])
def test_a_checkpoint_of_a_classifier(tmp_path, wrapped):
    tensors = state(DENSE)
    tensors["features.norm0.num_batches_tracked"] = torch.tensor(3)
    saved = {
        "plain": tensors,
        "module": {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in tensors.items()}},
        "lightning": {"state_dict": {f"model.{k}": v for k, v in tensors.items()},
                      "optimizer_states": []},
    }[wrapped]  # fmt: skip
    torch.save(saved, tmp_path / "a.ckpt")
    out = tmp_path / "m.safetensors"
    made = importing.import_model(tmp_path / "a.ckpt", out, network=DENSE, role="ms_vs_nmosd")
    assert made["tensors"] == len(random_tensors(DENSE, 1)) == 608
    assert made["core_against_torch"] <= 1e-3
    np.testing.assert_allclose(answer(out), expected(tensors), atol=1e-3)
    model = read_model(out)
    assert (model.role, model.threshold) == ("ms_vs_nmosd", 0.5)
    assert "not validated here" in model.metadata["notice"]
    own = model.metadata["preprocessing"]  # not those of our own trainings
    assert (own["pixel_mm"], own["size"]) == (1.0, [256, 256])


@pytest.mark.slow
@pytest.mark.parametrize("outputs", [1, 2])
def test_a_head_of_one_layer_is_rewritten_exactly(tmp_path, outputs):
    """torchvision's names, of 2017 too; the logits are those of the one layer."""
    tensors = state(DENSE)
    for name in ("hidden.weight", "hidden.bias", "output.weight", "output.bias"):
        del tensors[name]
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", k): v
           for k, v in tensors.items()}  # fmt: skip
    rng = torch.Generator().manual_seed(0)
    weight = torch.randn((outputs, 1024), generator=rng) / 30
    bias = torch.tensor([0.3, -0.2])[:outputs]
    torch.save({**old, "classifier.weight": weight, "classifier.bias": bias}, tmp_path / "a.pth")
    out = tmp_path / "m.safetensors"
    made = importing.import_model(tmp_path / "a.pth", out, network=DENSE, role="ms_vs_nmosd")
    assert made["head"] == f"1024 to {outputs}, rewritten exactly"
    network = build(DENSE).eval()
    network.load_state_dict(tensors, strict=False)
    with torch.inference_mode():
        logits = network.feature_maps(torch.from_numpy(IMAGES)).mean((2, 3)) @ weight.T + bias
    if outputs == 1:
        logits = torch.cat([torch.zeros_like(logits), logits], 1)
    np.testing.assert_allclose(answer(out), torch.softmax(logits, 1).numpy(), atol=1e-3)


def test_what_does_not_fit_is_named(tmp_path):
    tensors = state(DENSE)
    path, out = tmp_path / "a.pth", tmp_path / "m.safetensors"

    def refused(changed, match, error=ModelError, **given):
        torch.save(changed, path)
        options = {"network": DENSE, "role": "ms_vs_nmosd"} | given
        with pytest.raises(error, match=match):
            importing.import_model(path, out, **options)
        assert not out.exists()

    without = {k: v for k, v in tensors.items() if k != "features.norm5.bias"}
    refused(without, r"1 tensors missing: features\.norm5\.bias$")
    refused({**tensors, "features.extra": torch.zeros(2)}, r"left over: features\.extra")
    refused({**tensors, "features.conv0.weight": torch.zeros(64, 1, 7, 7)},
            r"of another shape: features\.conv0\.weight is \(64, 1, 7, 7\), expected")  # fmt: skip
    refused({**tensors, "output.weight": torch.zeros(1000, 128)}, "the head is 1024 to 128 to 1000")
    refused({"a": torch.zeros(2)}, "no tensor ends in features.conv0.weight")
    refused({"epoch": 3}, "no state_dict")
    refused(tensors, "role of densenet121", InputError, role="segmentation")
    refused(tensors, "network is 'vgg'", InputError, network="vgg")
    refused(state(UNET), "the network has 1 outputs, named are 2", network=UNET,
            role="segmentation", outputs=("lesion", "cord"))  # fmt: skip
    path.write_bytes(b"no checkpoint")
    with pytest.raises(ModelError, match="no weights could be read"):
        importing.import_model(path, out, network=DENSE, role="ms_vs_nmosd")


@pytest.mark.slow
def test_the_command_imports_a_checkpoint_of_a_training(tmp_path, capsys):
    tensors = state(UNET, in_channels=3, outputs=2, final_norm=False)
    torch.save({"best": tensors, "step": 3}, tmp_path / "checkpoint.pt")
    out = tmp_path / "segmentation.safetensors"
    arguments = ["models", "import", str(tmp_path / "checkpoint.pt"), "-o", str(out)]
    assert main([*arguments, "--network", UNET]) == 0
    assert json.loads(capsys.readouterr().out)["tensors"] == len(tensors)
    model = read_model(out)
    assert list(model.outputs) == ["lesion", "cord"]
    assert model.preprocessing["context_mm"] == 3.5
    stored = stored_tensors(out)
    assert all(np.allclose(stored[k], v.numpy(), atol=2e-3, rtol=2e-3) for k, v in tensors.items())
    assert main([*arguments, "--network", DENSE]) == 4
    assert "--role names the task" in capsys.readouterr().err
