"""Lists of checksums: what they let through, what they stop, and how they are written."""

from __future__ import annotations

import hashlib
import shutil

import pytest
from model_files import METADATA, SEGMENTATION, changed, write_raw

from spinalcord.analysis.pipeline import Pipeline
from spinalcord.errors import InputError, ModelError
from spinalcord.models import folder, release
from spinalcord.models.checksums import SUMS, check_folder, check_model, read_sums
from spinalcord.models.folder import find_models, list_models, verify_models, write_random
from spinalcord.models.model_file import read_model
from spinalcord.models.network import Network
from spinalcord.models.release import main, write_sums


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def listed(tmp_path, stand_in):
    """Two models whose tensors are never looked at, and their list."""
    folder = tmp_path / "models"
    folder.mkdir()
    write_raw(folder / "seg.safetensors", metadata=SEGMENTATION)
    write_raw(folder / "ms.safetensors", metadata=changed(METADATA, "labels.threshold", 0.5))
    write_sums(folder)
    return folder


def test_list_is_what_sha256sum_writes(listed):
    names = ["ms.safetensors", "seg.safetensors"]
    expected = "".join(f"{digest(listed / name)}  {name}\n" for name in names)
    assert (listed / SUMS).read_text(encoding="utf-8") == expected
    assert read_sums(listed) == {name: digest(listed / name) for name in names}
    (listed / SUMS).write_text(expected.replace("  ", " *"), encoding="utf-8")  # binary mode
    assert len(read_sums(listed)) == 2


def test_listed_models_open(listed):
    assert Pipeline(listed).network("segmentation").model.name == SEGMENTATION["name"]
    assert [row["role"] for row in list_models(listed)] == ["ms_vs_nmosd", "segmentation"]
    assert [row["role"] for row in verify_models(listed)] == ["segmentation", "ms_vs_nmosd"]


def test_folder_without_a_list_is_not_checked(tmp_path, stand_in):
    write_raw(tmp_path / "a.safetensors")
    assert read_sums(tmp_path) is None
    check_folder(tmp_path, [tmp_path / "a.safetensors"])
    check_model(read_model(tmp_path / "a.safetensors"))
    assert Network.open(tmp_path / "a.safetensors").kind == "densenet121"


def test_exchanged_model_is_stopped_before_it_is_computed(listed, stand_in):
    # Whole and valid, with another cut-off: nothing but the checksum can tell.
    write_raw(listed / "ms.safetensors", metadata=changed(METADATA, "labels.threshold", 0.9))
    opened = stand_in.opened
    sums = rf"ms\.safetensors is damaged or another file: .*{digest(listed / 'ms.safetensors')}"
    for call in (
        lambda: Network.open(listed / "ms.safetensors"),
        lambda: Pipeline(listed).network("ms_vs_nmosd"),
    ):
        with pytest.raises(ModelError, match=sums):
            call()
    assert stand_in.opened == opened
    with pytest.raises(ModelError, match=sums):
        verify_models(listed)
    bad, good = list_models(listed)
    assert "damaged or another file" in bad["error"]
    assert "error" not in good
    assert Pipeline(listed).network("segmentation").n_values > 0  # the other one still serves


def test_flipped_bit_is_stopped(listed):
    path = listed / "seg.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="install the package again"):
        Pipeline(listed).network("segmentation")


def test_missing_and_unlisted_models_are_named(listed):
    shutil.copy(listed / "ms.safetensors", listed / "mine.safetensors")
    for call in (find_models, list_models, verify_models):
        with pytest.raises(ModelError, match=r"mine\.safetensors is not listed in SHA256SUMS"):
            call(listed)
    with pytest.raises(ModelError, match=r"mine\.safetensors is not listed"):
        Network.open(listed / "mine.safetensors")
    (listed / "mine.safetensors").unlink()
    (listed / "ms.safetensors").unlink()
    for call in (find_models, list_models, verify_models):
        with pytest.raises(ModelError, match=r"ms\.safetensors is missing: SHA256SUMS .* lists"):
            call(listed)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("nonsense\n", "line 1 is 'nonsense', expected a sha256"),
        ("a" * 63 + "  x\n", "line 1 is"),
        ("A" * 64 + "  x\n", "line 1 is"),
        ("a" * 64 + "  ../x\n", "line 1 is"),
        (("a" * 64 + "  x\n") * 2, "line 2 is"),
        ("\udcff", "cannot read .*SHA256SUMS"),
    ],
)
def test_damaged_list_is_told(listed, text, match):
    (listed / SUMS).write_bytes(text.encode("utf-8", "surrogateescape"))
    for call in (find_models, lambda folder: Network.open(folder / "ms.safetensors")):
        with pytest.raises(ModelError, match=match):
            call(listed)


def test_list_is_written_again_after_a_change(listed):
    write_raw(listed / "ms.safetensors", metadata=changed(METADATA, "labels.threshold", 0.9))
    assert read_sums(write_sums(listed).parent)["ms.safetensors"] == digest(
        listed / "ms.safetensors"
    )
    assert len(verify_models(listed)) == 2


def test_nothing_is_listed_that_does_not_verify(tmp_path, listed):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ModelError, match="found: none"):
        write_sums(empty)
    with pytest.raises(ModelError, match="not a folder"):
        write_sums(tmp_path / "none")
    shutil.copy(listed / "ms.safetensors", listed / "twice.safetensors")
    with pytest.raises(ModelError, match=r"ms.safetensors and twice.safetensors are the same file"):
        write_sums(listed)
    assert not (listed / SUMS).exists()


def test_list_in_a_place_that_cannot_be_written(tmp_path, stand_in, monkeypatch):
    write_raw(tmp_path / "a.safetensors")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(InputError, match="No space left"):
        write_sums(tmp_path)


def test_command_writes_and_prints(listed, tmp_path, capsys, monkeypatch):
    (listed / SUMS).unlink()
    for module in (folder, release):
        monkeypatch.setattr(module, "WEIGHTS_DIR", listed)
    with pytest.raises(ModelError, match="has no SHA256SUMS, so its models cannot be trusted"):
        find_models()
    assert main([]) == 0  # the package's own
    assert capsys.readouterr().out == (listed / SUMS).read_text(encoding="utf-8")
    assert list(find_models().models) == ["segmentation", "ms_vs_nmosd"]
    assert main([str(listed), "more"]) == main(["--help"]) == 2
    assert main([str(tmp_path / "none")]) == 3
    assert "not a folder" in capsys.readouterr().err


@pytest.mark.slow
def test_damaged_tensor_is_found_before_it_is_listed(tmp_path):
    path = write_random(tmp_path, 0)[1]
    data = bytearray(path.read_bytes())
    data[-4:] = b"\xff\xff\xff\x7f"  # NaN
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"not finite|NaN"):
        write_sums(tmp_path)
    assert not (tmp_path / SUMS).exists()
