"""Timing the networks: what is timed, and what the figures are."""

from __future__ import annotations

import pytest
from stand_ins import StandInNetwork, make_folder

from spinalcord import _core, bench
from spinalcord.errors import InputError, ModelError


@pytest.fixture
def stand_in(monkeypatch):
    machine = {"threads": 6, "precisions": ["f32", "bf16"], "name": "a CPU", "isa": "avx2"}
    machine["onednn"] = "3.2.0"
    monkeypatch.setattr(_core, "Network", StandInNetwork)
    monkeypatch.setattr(_core, "cpu", lambda: machine)


@pytest.fixture
def folder(tmp_path, stand_in):
    return make_folder(tmp_path / "models")


def test_every_precision_thread_count_and_batch_is_timed(folder):
    rows = list(bench.measure(models=folder, batches=[1, 3], size=32, seconds=0.001))
    keys = ("network", "precision", "threads", "batch")
    assert [tuple(row[key] for key in keys) for row in rows] == [
        (network, precision, threads, batch)
        for network in ("multiresunet", "densenet121")
        for precision in ("f32", "bf16")
        for threads in (1, 2, 4, 6)
        for batch in (1, 3)
    ]
    assert all(row["calls"] >= bench.MIN_CALLS for row in rows)
    assert all(row["cpu"] == "a CPU" and row["size"] == 32 for row in rows)


def test_every_backend_is_timed(folder):
    options = {"precisions": ["f32"], "threads": [1], "size": 32, "seconds": 0.001}
    rows = list(bench.measure(models=folder, backends=["own", "onednn"], **options))
    assert [row["backend"] for row in rows] == ["own", "onednn"] * 2
    with pytest.raises(InputError, match="backend is own or onednn, got 'mkl'"):
        next(bench.measure(models=folder, backends=["mkl"], **options))


def test_the_table_names_the_machine(folder, tmp_path, monkeypatch):
    governor = tmp_path / "governor"
    governor.write_text("performance\n")
    monkeypatch.setattr(bench, "GOVERNOR", governor)
    monkeypatch.setattr(bench.os, "getloadavg", lambda: (0.25, 0, 0))
    options = {"precisions": ["bf16"], "threads": [2], "size": 32, "seconds": 0.001}
    lines = bench.format_table(list(bench.measure(models=folder, **options))).splitlines()
    assert lines[0] == "a CPU (avx2), governor performance, load 0.25"
    assert "oneDNN 3.2.0, NumPy" in lines[1]
    assert lines[3].split() == list(bench.COLUMNS.values())
    assert [line.split()[:5] for line in lines[4:]] == [
        [network, "bf16", "own", "2", "1"] for network in ("multiresunet", "densenet121")
    ]
    monkeypatch.setattr(bench, "GOVERNOR", tmp_path / "none")
    (row, _) = bench.measure(models=folder, **options)
    assert row["governor"] is None
    other = [row, row | {"load": 3.5}]
    assert "governor unknown, load 0.25 to 3.5" in bench.format_table(other)


def test_figures_are_of_one_image(folder, monkeypatch):
    ticks = iter(range(10_000))
    monkeypatch.setattr(bench.time, "perf_counter", lambda: 0.002 * next(ticks))
    (row, _) = bench.measure(
        models=folder, precisions=["f32"], threads=[1], batches=[4], size=32, seconds=0.01
    )
    assert row["ms_per_image"] == row["ms_per_image_p10"] == row["ms_per_image_p90"] == 0.5
    assert row["images_per_second"] == 2000


def test_thread_counts_end_with_the_most():
    assert [bench._counts(n) for n in (1, 2, 3, 8)] == [[1], [1, 2], [1, 2, 3], [1, 2, 4, 8]]


@pytest.mark.parametrize("size", [0, 16, 100])
def test_another_size_is_refused(size):
    with pytest.raises(InputError, match=f"size is {size} pixels, expected a multiple of 16"):
        next(bench.measure(size=size))


@pytest.mark.parametrize("batches", [[], [0]])
def test_no_batch_is_refused(batches):
    with pytest.raises(InputError, match="expected numbers of at least 1"):
        next(bench.measure(batches=batches))


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"precisions": ["f16"]}, "precision is f32, bf16 or int8"),
        ({"threads": [0]}, "threads is a"),
    ],
)
def test_other_settings_are_refused(folder, option, told):
    with pytest.raises(InputError, match=told):
        next(bench.measure(models=folder, **option))


def test_a_folder_without_models_is_named(tmp_path):
    with pytest.raises(ModelError, match="has no model for segmentation; found: none"):
        next(bench.measure(models=tmp_path))


def test_only_a_classifier_is_timed_where_there_is_nothing_else(folder):
    for name in ("segmentation", "ms_vs_nmosd"):
        (folder / f"{name}.safetensors").unlink()
    rows = list(
        bench.measure(models=folder, precisions=["f32"], threads=[2], size=32, seconds=0.001)
    )
    assert [row["network"] for row in rows] == ["densenet121"]
