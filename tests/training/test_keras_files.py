"""spinalcord.training.keras_files: Keras' layouts, written here by hand-made tables."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from spinalcord.errors import ModelError
from spinalcord.models.architectures import random_tensors
from spinalcord.models.model_file import read_model, stored_tensors

torch = pytest.importorskip("torch", reason="torch is not installed")
importing = pytest.importorskip("spinalcord.training.importing")

UNET, DENSE = "multiresunet", "densenet121"


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
