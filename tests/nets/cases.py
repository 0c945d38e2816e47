"""What the parity tests compute, and how it is compared.

Neither weights nor images are stored anywhere: equal seeds give equal bits. PyTorch's answers are,
in `tests/golden`, of each a sample of `PICKS` values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spinalcord.models import architectures as networks
from spinalcord.models.model_file import write_model

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
PICKS = 500


@dataclass(frozen=True)
class Case:
    """One network with seeded weights, and one batch of seeded images."""

    kind: str
    shape: tuple[int, int, int, int]
    seed: int = 0
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    slow: bool = False

    @property
    def name(self) -> str:
        words = [f"{key}={value}" for key, value in self.options.items()]
        return " ".join(["x".join(map(str, self.shape)), *words])

    @property
    def model_name(self) -> str:
        return f"{self.kind}-{self.seed}-" + "-".join(map(str, self.options.values()))

    def images(self) -> np.ndarray:
        return images(3, self.shape)

    def tensors(self) -> dict[str, np.ndarray]:
        wanted = ("in_channels", "outputs", "final_norm")
        options = {key: value for key, value in self.options.items() if key in wanted}
        return networks.random_tensors(self.kind, self.seed, **options)


def _unet(*shape: int, slow: bool = False, **options: Any) -> Case:
    return Case("multiresunet", shape, 2, options, slow)


def _dense(*shape: int, slow: bool = False, **options: Any) -> Case:
    return Case("densenet121", shape, 0, options, slow)


# Large epsilons: with the usual ones, a network that ignored its own would pass.
CASES = (
    _unet(3, 1, 16, 16),
    _unet(1, 1, 48, 80),
    _unet(2, 1, 112, 32),
    _unet(1, 1, 16, 304),
    _unet(1, 1, 256, 256),
    _unet(1, 1, 320, 192),
    _unet(5, 1, 96, 64, norm_eps=0.05),
    _unet(1, 3, 64, 48, in_channels=3, outputs=2, final_norm=False),
    _unet(2, 2, 160, 176, in_channels=2, outputs=2),
    _unet(1, 1, 1024, 768, slow=True),
    _dense(7, 3, 32, 32),
    _dense(5, 3, 33, 47),
    _dense(1, 3, 100, 260),
    _dense(3, 3, 256, 256),
    _dense(2, 3, 45, 391, norm_eps=0.02),
    _dense(5, 3, 64, 96, final_relu=False),
    _dense(3, 2, 71, 65, in_channels=2),
    _dense(1, 3, 1023, 701, slow=True),
)


class Expected(NamedTuple):
    """An array that PyTorch computed, or of a stored one `PICKS` of its values."""

    values: np.ndarray
    shape: tuple[int, ...]


def images(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Draw float32 images (n, c, h, w) in [0, 1] that differ in contrast and in grain."""
    rng = np.random.Generator(np.random.PCG64(seed))
    n, c, h, w = shape
    out = np.empty(shape, np.float32)
    for i, j in np.ndindex(n, c):
        grain = int(rng.integers(1, 9))
        coarse = rng.random((-(-h // grain), -(-w // grain)))
        image = np.kron(coarse, np.ones((grain, grain)))[:h, :w]
        low, high = np.sort(rng.random(2))
        out[i, j] = low + (high - low) * (0.8 * image + 0.2 * rng.random((h, w)))
    return out


def write_case(folder: Path, case: Case) -> Path:
    """Write a case's network as a model file, with weights in full precision."""
    path = folder / f"{case.model_name}.safetensors"
    if path.exists():
        return path
    options = case.options
    metadata: dict[str, Any] = {
        "name": case.model_name,
        "version": "1",
        "network": case.kind,
        "in_channels": options.get("in_channels", networks.IN_CHANNELS[case.kind]),
        "norm_eps": options.get("norm_eps", networks.NORM_EPS[case.kind]),
        "preprocessing": {"mode": "physical", "pixel_mm": 1.0, "size": [256, 256], "clip": 5.0},
        "training": {"seed": case.seed},
        "notice": "random weights: results mean nothing",
    }
    if case.kind == "multiresunet":
        outputs = ["lesion", "cord"][: options.get("outputs", 1)]
        metadata["final_norm"] = options.get("final_norm", True)
        metadata["labels"] = {"kind": "segmentation", "outputs": outputs, "threshold": 0.5}
    else:
        metadata["final_relu"] = options.get("final_relu", True)
        metadata["labels"] = {
            "kind": "classification",
            "task": "ms_vs_nmosd",
            "negative": "MS",
            "positive": "NMOSD",
            "threshold": 0.5,
            "threshold_from": "none",
        }
    return write_model(path, case.tensors(), metadata, dtype="F32")


def pick(array: np.ndarray) -> np.ndarray:
    """Return all of a small array, flat, or `PICKS` values of a large one, always the same."""
    if array.size <= PICKS:
        return array.ravel()
    places = np.random.Generator(np.random.PCG64(array.size)).integers(0, array.size, PICKS)
    return array.ravel()[places]


def read_golden(case: Case) -> dict[str, Expected]:
    """Read what PyTorch answered when `make_golden.py` ran."""
    with np.load(GOLDEN / f"{case.kind}.npz") as stored:
        return {
            key.split("/")[1]: Expected(values, tuple(stored[f"{key}/shape"].tolist()))
            for key, values in stored.items()
            if key.split("/")[0] == case.name and not key.endswith("/shape")
        }


def ask_torch(case: Case) -> dict[str, Expected]:
    """Compute a case with PyTorch in float32: probabilities, last maps, Grad-CAM by autograd."""
    import torch

    from spinalcord.training.torch_networks import build, load_tensors

    # On a busy machine PyTorch's threads wait for each other most of the time.
    torch.set_num_threads(1)
    module = build(case.kind, **case.options).eval().requires_grad_(False)
    load_tensors(module, case.tensors())
    maps = module.feature_maps(torch.from_numpy(case.images())).requires_grad_()
    logits = module.score(maps)
    found = {"features": maps.detach()}
    if case.kind == "multiresunet":
        found["probabilities"] = torch.sigmoid(logits.detach())
    else:
        found["probabilities"] = torch.softmax(logits.detach(), 1)
        for index in (0, 1):
            (gradient,) = torch.autograd.grad(logits[:, index].sum(), maps, retain_graph=True)
            weights = gradient.mean((2, 3), keepdim=True)
            found[f"gradcam{index}"] = (weights * maps.detach()).sum(1)
    return {key: Expected(values.numpy(), tuple(values.shape)) for key, values in found.items()}


def difference(got: np.ndarray, want: Expected) -> float:
    """Return the largest absolute difference; NaN if either holds one, which fails any `<=`."""
    assert got.dtype == np.float32
    assert got.shape == want.shape
    values = got.ravel() if want.values.size == got.size else pick(got)
    return float(np.abs(values.astype(np.float64) - want.values.ravel()).max())


def relative(got: np.ndarray, want: Expected) -> float:
    """Return the largest absolute difference in units of the largest expected magnitude."""
    return difference(got, want) / float(np.abs(want.values).max())


def assert_tells(case: Case, want: dict[str, Expected]) -> None:
    """Refuse a reference that a wrong network could meet: constant, saturated or mostly zero."""
    probabilities = want["probabilities"].values
    if case.kind == "multiresunet":
        assert probabilities.std() > 0.05
    else:
        positive = probabilities.reshape(-1, 2)[:, 1]
        assert np.all((positive > 0.02) & (positive < 0.98))
        assert len(positive) == 1 or positive.std() > 0.05
    for key in want.keys() - {"probabilities"}:
        values = want[key].values
        assert np.count_nonzero(values) > values.size // 4
        assert values.std() > 0.01 * np.abs(values).max() > 0


def parameters(kind: str) -> list[Any]:
    """Return a network's cases as pytest parameters, the slow ones marked."""
    import pytest

    return [
        pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.slow else [])
        for case in CASES
        if case.kind == kind
    ]
