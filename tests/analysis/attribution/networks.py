"""Networks for tests of evidence: PyTorch's modules behind our interface, and made-up ones."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from spinalcord.models.architectures import DENSENET121, random_tensors

LAYERS = ("input", "block1", "block2", "block3", "block4", "last")


class Answers:
    """A network whose probability of the positive answer is a function of one image."""

    threads = 1

    def __init__(self, positive, threshold=0.5):
        self._positive = positive
        self.model = SimpleNamespace(role="ms_vs_nmosd", outputs=("MS", "NMOSD"))
        self.model.threshold = threshold
        self.calls = self.images = 0

    def __call__(self, x):
        self.calls += 1
        self.images += len(x)
        positive = np.array([self._positive(image) for image in x])
        return np.stack([1 - positive, positive], axis=1).astype(np.float32)


class TorchNetwork(Answers):
    """DenseNet121 with random weights; what autograd says of it."""

    def __init__(self, seed=0, threshold=0.5):
        import torch

        from spinalcord.training.torch_networks import DenseNet121, load_tensors

        super().__init__(None, threshold)
        torch.set_num_threads(1)  # so small that threads only wait for each other
        self.torch = torch
        self.net = DenseNet121().eval()
        load_tensors(self.net, random_tensors(DENSENET121, seed))
        self.passes_back = 0

    def __call__(self, x):
        self.calls += 1
        self.images += len(x)
        with self.torch.no_grad():
            return self.net(self.torch.from_numpy(x)).numpy()

    def logits(self, x):
        with self.torch.no_grad():
            return self.net(self.torch.from_numpy(x), logits=True).numpy()

    def gradcam(self, x, index):
        maps = np.stack([self._cam(x, own) for own in (0, 1)], axis=1)
        return maps if index is None else maps[:, index], self(x)

    def _cam(self, x, index):
        direction = np.zeros(2, np.float32)
        direction[index] = 1
        activations, gradients = self.backward(x, direction)
        self.passes_back -= 1
        maps = (gradients.mean((2, 3), keepdims=True) * activations).sum(1)
        return maps.astype(np.float32)

    def backward(self, images, direction, *, layer="last", of="logit"):
        self.passes_back += 1
        assert images.dtype == np.float32
        x = self.torch.from_numpy(np.array(images)).requires_grad_()
        kept = {"input": x}
        features = self.net.features
        for name, module in features.named_children():
            x = module(x)
            if name.startswith("denseblock"):
                kept[f"block{name[-1]}"] = x
        kept["last"] = self.torch.relu(x)
        logits = self.net.score(kept["last"])
        values = logits if of == "logit" else self.torch.softmax(logits, 1)
        (values @ self.torch.from_numpy(direction)).sum().backward(inputs=[_kept(kept[layer])])
        return kept[layer].detach().numpy(), kept[layer].grad.numpy()


def _kept(tensor):
    tensor.retain_grad()
    return tensor


def sample(n=3, side=64, seed=0):
    """Images with the lesion mask in their last channel; without contrast."""
    rng = np.random.default_rng(seed)
    images = np.zeros((n, 3, side, side), np.float32)
    images[:, 1] = rng.random((n, side, side), np.float32) * 0.5
    images[:, 1, 20:40, 24:34] += 0.5
    images[:, 2, 20:40, 24:34] = 1
    return images
