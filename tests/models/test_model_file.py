"""Model files: what is read back, and every way in which one is refused."""

from __future__ import annotations

import hashlib
import json
import os
import struct

import numpy as np
import pytest
from model_files import DATA, METADATA, SEGMENTATION, TENSORS, changed, write_raw

from spinalcord.errors import InputError, ModelError
from spinalcord.models.model_file import Tensor, map_model, read_model, write_model


def test_reads_settings_and_places_of_tensors(tmp_path):
    path = write_raw(tmp_path / "m.safetensors")
    model = read_model(path)
    start = path.stat().st_size - len(DATA)
    assert model.tensors == (
        Tensor("b", "F32", (2,), start, start + 8),
        Tensor("a", "F16", (2, 3), start + 8, start + 20),
    )
    assert model.metadata == METADATA  # the unknown key included
    assert (model.role, model.outputs) == ("ms_vs_nmosd", ("MS", "NMOSD"))
    assert (model.threshold, model.in_channels, model.notice) == (0.4, 3, "for tests")
    assert (model.name, model.version) == ("test-ms-vs-nmosd", "1")


def test_segmentation_outputs_default_to_lesion(tmp_path):
    path = write_raw(tmp_path / "m.safetensors", metadata=SEGMENTATION)
    assert read_model(path).outputs == ("lesion", "cord")
    write_raw(path, metadata=changed(SEGMENTATION, "labels.outputs", ...))
    assert read_model(path).outputs == ("lesion",)
    assert read_model(path).role == "segmentation"


def test_written_file_reads_back(tmp_path):
    rng = np.random.default_rng(0)
    small = np.float32([1e-9, 2])
    tensors = {"w": rng.normal(size=(4, 3, 2, 2)).astype(np.float32), "n.running_var": small}
    path = write_model(tmp_path / "m.safetensors", tensors, METADATA)
    with map_model(path) as (model, buffer):
        places = {t.name: t for t in model.tensors}
        at_w, at_v = places["w"], places["n.running_var"]
        assert (at_w.dtype, at_v.dtype) == ("F16", "F32")
        w = np.frombuffer(buffer[at_w.begin : at_w.end], "<f2").reshape(4, 3, 2, 2)
        v = np.frombuffer(buffer[at_v.begin : at_v.end], "<f4")
    np.testing.assert_array_equal(w, tensors["w"].astype(np.float16))
    np.testing.assert_array_equal(v, small)
    assert model.metadata == METADATA
    assert os.listdir(tmp_path) == ["m.safetensors"]


def test_single_precision_is_exact(tmp_path):
    tensors = {"w": np.float32([[1 / 3, 1e-30], [-2, 4]])}
    path = write_model(tmp_path / "m.safetensors", tensors, SEGMENTATION, dtype="F32")
    with map_model(path) as (model, buffer):
        (place,) = model.tensors
        got = np.frombuffer(buffer[place.begin : place.end], "<f4").reshape(2, 2)
    np.testing.assert_array_equal(got, tensors["w"])


def test_checksum_is_of_the_file_that_was_read(tmp_path):
    path = write_raw(tmp_path / "m.safetensors")
    model, late = read_model(path), read_model(path)
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    described = model.to_dict()
    assert described["file"] == "m.safetensors"
    assert described["sha256"] == model.sha256
    path.write_bytes(path.read_bytes() + b" ")
    assert model.sha256  # computed once
    with pytest.raises(ModelError, match=r"m\.safetensors has changed"):
        late.sha256  # noqa: B018
    path.unlink()
    with pytest.raises(ModelError, match=r"cannot read .*m\.safetensors"):
        late.sha256  # noqa: B018


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"none\.safetensors: No such file"):
        read_model(tmp_path / "none.safetensors")


@pytest.mark.parametrize("nbytes", [0, 3, 7])
def test_tiny_file_is_refused(tmp_path, nbytes):
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"x" * nbytes)
    with pytest.raises(ModelError, match=f"has only {nbytes} bytes"):
        read_model(path)


@pytest.mark.slow
def test_every_truncation_is_refused(tmp_path):
    whole = write_raw(tmp_path / "m.safetensors").read_bytes()
    cut = tmp_path / "cut.safetensors"
    for nbytes in range(len(whole)):
        cut.write_bytes(whole[:nbytes])
        with pytest.raises(ModelError, match="cut"):
            read_model(cut)


@pytest.mark.slow
def test_no_flipped_byte_of_the_header_escapes_as_another_error(tmp_path):
    whole = write_raw(tmp_path / "m.safetensors").read_bytes()
    path = tmp_path / "flipped.safetensors"
    refused = 0
    for at in range(len(whole) - len(DATA)):
        for bit in (0x01, 0x80):
            damaged = bytearray(whole)
            damaged[at] ^= bit
            path.write_bytes(damaged)
            try:
                read_model(path)
            except ModelError:
                refused += 1
    assert refused > len(whole)


@pytest.mark.parametrize(
    ("header", "match"),
    [
        (b"[]", "not a JSON object"),
        (b"{", "not valid JSON"),
        (b'{"\xff": 1}', "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"a": NaN}', "NaN, which is not JSON"),
        (b'{"a": 1, "a": 1}', "names 'a' twice"),
        (b'{"__metadata__": {"spinalcord": 1}}', "lacks the key 'spinalcord'"),
        (b'{"__metadata__": []}', "lacks the key 'spinalcord'"),
        (b"{}", "lacks the key 'spinalcord'"),
    ],
)
def test_damaged_header_is_refused(tmp_path, header, match):
    path = write_raw(tmp_path / "m.safetensors", header=header)
    with pytest.raises(ModelError, match=match):
        read_model(path)


def test_header_beyond_the_limit_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    with pytest.raises(ModelError, match="header claims 1152921504606846976 bytes"):
        read_model(path)


@pytest.mark.parametrize(
    ("key", "value", "match"),
    [
        ("a", None, "tensor a needs dtype, shape and data_offsets"),
        ("a.shape", ..., "tensor a needs dtype, shape and data_offsets"),
        ("a.dtype", "F64", "tensor a has dtype 'F64', expected F32, F16 or BF16"),
        ("a.dtype", ["F32"], r"tensor a has dtype \['F32'\]"),
        ("a.dtype", "I64", "tensor a has dtype 'I64'"),
        ("a.shape", [2, -3], "tensor a has shape"),
        ("a.shape", [2.0, 3], "tensor a has shape"),
        ("a.shape", [True, 3], "tensor a has shape"),
        ("a.shape", [0, 1 << 70], "tensor a has shape"),
        ("a.shape", 6, "tensor a has shape"),
        ("a.shape", [2, 4], r"of shape \(2, 4\) in F16 takes 16 bytes, its data_offsets 12"),
        ("a.data_offsets", [8], "tensor a has data_offsets"),
        ("a.data_offsets", [20, 8], "tensor a has data_offsets"),
        ("a.data_offsets", [-4, 8], "tensor a has data_offsets"),
        ("a.data_offsets", [9, 21], "tensor a begins at byte .* neither overlap nor leave gaps"),
        ("a.data_offsets", [4, 16], "tensor a begins at byte .* neither overlap nor leave gaps"),
    ],
)
def test_damaged_tensor_entry_is_refused(tmp_path, key, value, match):
    path = write_raw(tmp_path / "m.safetensors", changed(TENSORS, key, value))
    with pytest.raises(ModelError, match=match):
        read_model(path)


def test_bytes_of_no_tensor_are_refused(tmp_path):
    path = write_raw(tmp_path / "m.safetensors", data=DATA + b"xy")
    with pytest.raises(ModelError, match="has 2 bytes that belong to no tensor"):
        read_model(path)


def test_batches_tracked_are_left_out(tmp_path):
    entry = {"dtype": "I64", "shape": [], "data_offsets": [20, 28]}
    tensors = TENSORS | {"n.num_batches_tracked": entry}
    path = write_raw(tmp_path / "m.safetensors", tensors, DATA + bytes(8))
    assert [t.name for t in read_model(path).tensors] == ["b", "a"]


@pytest.mark.parametrize(
    "key",
    [
        *("format", "name", "version", "network", "in_channels", "norm_eps", "notice"),
        *("preprocessing", "preprocessing.mode", "preprocessing.pixel_mm"),
        *("preprocessing.size", "preprocessing.clip", "labels", "labels.kind", "labels.task"),
        *("labels.negative", "labels.positive", "labels.threshold"),
    ],
)
def test_missing_setting_is_named(tmp_path, key):
    path = write_raw(tmp_path / "m.safetensors", metadata=changed(METADATA, key, ...))
    with pytest.raises(ModelError, match=rf"m\.safetensors.* lacks '{key.split('.')[-1]}'"):
        read_model(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2),
        ("format", True),
        ("format", 1.0),
        ("name", ""),
        ("name", 3),
        ("version", 1),
        ("notice", None),
        ("network", "resnet50"),
        ("in_channels", 0),
        ("in_channels", 3.0),
        ("in_channels", True),
        ("norm_eps", 0),
        ("norm_eps", "1e-5"),
        ("norm_eps", float("inf")),
        ("final_relu", 1),
        ("preprocessing", []),
        ("preprocessing.mode", "native"),
        ("preprocessing.pixel_mm", -1.0),
        ("preprocessing.clip", 0),
        ("preprocessing.size", [256]),
        ("preprocessing.context_mm", 0),
        ("preprocessing.context_mm", "3.5"),
        ("preprocessing.size", [256, 16]),
        ("preprocessing.size", [8192, 256]),
        ("preprocessing.size", [256.0, 256]),
        ("labels", "ms_vs_nmosd"),
        ("labels.kind", "segmentation"),
        ("labels.task", "ms_vs_anything"),
        ("labels.negative", "NMOSD"),
        ("labels.positive", "MS"),
        ("labels.threshold", 0.0),
        ("labels.threshold", 1.5),
    ],
)
def test_unknown_setting_is_refused(tmp_path, key, value):
    # Python writes infinity as a word that JSON lacks; a number beyond double is valid JSON.
    metadata = json.dumps(changed(METADATA, key, value)).replace("Infinity", "1e400")
    path = write_raw(tmp_path / "m.safetensors", metadata=metadata)
    with pytest.raises(ModelError, match=rf"m\.safetensors.*'{key.split('.')[-1]}' is "):
        read_model(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("labels.kind", "classification"),
        ("labels.outputs", ["cord"]),
        ("labels.outputs", "lesion"),
        ("labels.min_thickness_mm", -0.1),
        ("labels.min_thickness_mm", 1001),
        ("labels.min_peak", 1.1),
        ("labels.min_in_cord", -0.1),
        ("labels.min_in_cord", 1.1),
        ("labels.keep_outside_cord", 1),
        ("preprocessing.size", [250, 256]),
        ("final_norm", "no"),
        ("norm_eps", -1),
    ],
)
def test_unknown_segmentation_setting_is_refused(tmp_path, key, value):
    path = write_raw(tmp_path / "m.safetensors", metadata=changed(SEGMENTATION, key, value))
    with pytest.raises(ModelError, match=f"'{key.split('.')[-1]}' is "):
        read_model(path)


def test_damaged_metadata_is_refused(tmp_path):
    path = write_raw(tmp_path / "m.safetensors", metadata='{"format": 1,')
    with pytest.raises(ModelError, match=r"m\.safetensors: the metadata is not valid JSON"):
        read_model(path)


W = np.ones((2, 2), np.float32)


@pytest.mark.parametrize(
    ("tensors", "metadata", "dtype", "match"),
    [
        ({"w": W * np.nan}, METADATA, "F32", "tensor w is not finite in single"),
        ({"w": W * 1e5}, METADATA, "F16", "tensor w is not finite in half"),
        ({"w": W}, METADATA, "I8", "F16 or F32, got 'I8'"),
        ({"w": W}, changed(METADATA, "name", ...), "F16", "lacks 'name'"),
    ],
)
def test_write_refuses(tmp_path, tensors, metadata, dtype, match):
    with pytest.raises(ModelError, match=match):
        write_model(tmp_path / "m.safetensors", tensors, metadata, dtype)
    assert not list(tmp_path.iterdir())


def test_write_refuses_other_endings_and_places(tmp_path):
    with pytest.raises(ModelError, match=r"ends in \.safetensors, got m\.pt"):
        write_model(tmp_path / "m.pt", {"w": W}, METADATA)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"m\.safetensors: cannot be written"):
        write_model(tmp_path / "file" / "m.safetensors", {"w": W}, METADATA)


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = write_model(tmp_path / "m.safetensors", {"w": W}, METADATA)
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(InputError, match="No space left"):
        write_model(path, {"w": 2 * W}, METADATA)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["m.safetensors"]
