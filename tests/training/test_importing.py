"""spinalcord.training.importing: checkpoints of others, one tensor for each of ours."""

from __future__ import annotations

import json
import re
import zipfile

import numpy as np
import pytest

from spinalcord.cli import main
from spinalcord.errors import InputError, ModelError
from spinalcord.models.architectures import random_tensors
from spinalcord.models.model_file import read_model, stored_tensors
from spinalcord.models.network import Network

torch = pytest.importorskip("torch", reason="torch is not installed")
importing = pytest.importorskip("spinalcord.training.importing")
keras_files = pytest.importorskip("spinalcord.training.keras_files")
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


# ---- Keras ------------------------------------------------------------------------------------


def keras_layers(kind):
    """The layers that Keras would name, made from our tensors by hand-written tables."""
    tensors = random_tensors(kind, 2)
    layers = {}

    def norm(name, ours, *, scale=True):
        parts = [("gamma", "weight")] * scale
        parts += [("beta", "bias"), ("moving_mean", "running_mean")]
        layers[name] = {k: tensors[f"{ours}.{v}"] for k, v in parts}
        layers[name]["moving_variance"] = tensors[f"{ours}.running_var"]

    def conv(name, ours):
        layers[name] = {"kernel": tensors[f"{ours}.weight"].transpose(2, 3, 1, 0)}

    if kind == DENSE:
        conv("conv1/conv", "features.conv0")  # as older versions have it
        norm("conv1/bn", "features.norm0")
        for b, length in enumerate((6, 12, 24, 16), 1):
            for i in range(1, length + 1):
                ours, own = f"features.denseblock{b}.denselayer{i}", f"conv{b + 1}_block{i}"
                norm(f"{own}_0_bn", f"{ours}.norm1")
                conv(f"{own}_1_conv", f"{ours}.conv1")
                norm(f"{own}_1_bn", f"{ours}.norm2")
                conv(f"{own}_2_conv", f"{ours}.conv2")
            if b < 4:
                norm(f"pool{b + 1}_bn", f"features.transition{b}.norm")
                conv(f"pool{b + 1}_conv", f"features.transition{b}.conv")
        norm("bn", "features.norm5")
        for own, ours in (("dense", "hidden"), ("dense_1", "output")):
            layers[own] = {"kernel": tensors[f"{ours}.weight"].T, "bias": tensors[f"{ours}.bias"]}
        return tensors, layers
    counts = {"conv2d": 11, "batch_normalization": 0, "conv2d_transpose": 0}  # a model was before

    def name(kind):
        n, counts[kind] = counts[kind], counts[kind] + 1
        return f"{kind}_{n}" if n else kind

    def pair(ours):
        conv(name("conv2d"), f"{ours}.conv")
        norm(name("batch_normalization"), f"{ours}.norm", scale=False)

    def block(ours):
        for part in ("shortcut", "a", "b", "c"):
            pair(f"{ours}.{part}")
        norm(name("batch_normalization"), f"{ours}.concat_norm")
        norm(name("batch_normalization"), f"{ours}.out_norm")

    for i in range(5):
        block(f"encoder.{i}")
        for j in range(4 - i):
            pair(f"path.{i}.{j}.shortcut")
            pair(f"path.{i}.{j}.conv")
            norm(name("batch_normalization"), f"path.{i}.{j}.out_norm")
    for k in range(4):
        layers[name("conv2d_transpose")] = {
            "kernel": tensors[f"up.{k}.weight"].transpose(2, 3, 1, 0),
            "bias": tensors[f"up.{k}.bias"],
        }
        block(f"decoder.{k}")
    pair("head")
    return tensors, layers


def write_h5(path, layers):
    """A whole model in Keras' older layout."""
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [name.encode() for name in layers]
        for name, own in sorted(layers.items()):
            group = root.create_group(name.replace("/", "_"))
            group.attrs["weight_names"] = [f"{name}/{k}:0".encode() for k in own]
            for key, value in own.items():
                group.create_dataset(f"{name}/{key}:0", data=value)


def write_keras(path, layers):
    """A whole model in Keras 3's layout: layers by class and number, in an order of its own."""
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    counts, listed = {}, []
    with h5py.File(path.with_suffix(".tmp"), "w") as file:
        root = file.create_group("layers")
        for name, own in sorted(layers.items(), reverse=True):
            kind, cls = next(
                pair for pair in (("batch_normalization", "BatchNormalization"),
                                  ("conv2d_transpose", "Conv2DTranspose"), ("conv2d", "Conv2D"))
                if name.startswith(pair[0])
            )  # fmt: skip
            n = counts[kind] = counts.get(kind, -1) + 1
            values = root.create_group(f"{kind}_{n}" if n else kind).create_group("vars")
            for k, value in enumerate(own.values()):
                values.create_dataset(str(k), data=value)
            listed.append({"class_name": cls, "config": {"name": name, "scale": "gamma" in own}})
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(path.with_suffix(".tmp"), "model.weights.h5")
        archive.writestr("config.json", json.dumps({"config": {"layers": listed}}))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "ending"), [(DENSE, ".h5"), (UNET, ".h5"), (UNET, ".keras")])
def test_a_keras_file_gives_our_tensors_back(tmp_path, kind, ending):
    tensors, layers = keras_layers(kind)
    path, out = tmp_path / f"old{ending}", tmp_path / "m.safetensors"
    (write_keras if ending == ".keras" else write_h5)(path, layers)
    role = "segmentation" if kind == UNET else "ms_vs_nmosd"
    made = importing.import_model(path, out, network=kind, role=role)
    assert made["tensors"] == len(tensors)
    found, _ = importing.read_source(path, kind)
    if kind == UNET:
        assert found.keys() == tensors.keys()
        assert all(np.array_equal(found[name], tensors[name]) for name in tensors)
    stored = stored_tensors(out)
    assert all(np.allclose(stored[k], v, atol=2e-3, rtol=2e-3) for k, v in tensors.items())
    assert read_model(out).metadata["norm_eps"] == (1e-3 if kind == UNET else 1.001e-5)


def test_keras_files_that_do_not_fit(tmp_path):
    _, layers = keras_layers(UNET)
    path = tmp_path / "a.h5"

    def refused(changed, match):
        write_h5(path, changed)
        with pytest.raises(ModelError, match=match):
            importing.read_source(path, UNET)

    refused({k: v for k, v in layers.items() if k != "conv2d_12"}, "layers conv2d, MultiResUNet")
    refused({**layers, "my_conv": layers["conv2d_12"]}, "layer 'my_conv' is none of MultiResUNet's")
    path.write_bytes(b"no HDF5")
    with pytest.raises(ModelError, match="no Keras model, or damaged"):
        importing.read_source(path, UNET)
