"""The peer of `bench_case.py`: a whole case by SimpleITK and OpenVINO, in a process of its own.

    python case_peer.py MODELS SCAN OUT PRECISION THREADS

MODELS is a folder made by `export_models`: OpenVINO files of the shipped networks, the classifiers
with Grad-CAM as a second output, and their settings as JSON.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np

TASKS = ("tumor_vs_demyelination", "astrocytoma_vs_ependymoma", "ms_vs_nmosd")


def export_models(folder: Path, scan: Path) -> Path:
    """Convert the shipped models for slices of a scan's size; needs PyTorch, the peer does not."""
    import openvino
    import torch

    from spinalcord.models.folder import find_models
    from spinalcord.scans.preparation import WorkingScan

    models = find_models(None)
    images, _ = WorkingScan(scan).segmentation_images(models.model("segmentation"))
    sizes = {"segmentation": images.shape[1:]}
    settings = {}
    target = folder / f"models-{images.shape[2]}x{images.shape[3]}"
    for role in ("segmentation", *TASKS):
        model = models.model(role)
        size = sizes.get(role, (3, *model.preprocessing["size"]))
        module = with_cam(_module(model))
        target.mkdir(parents=True, exist_ok=True)
        image, onnx = torch.zeros(1, *size), target / f"{role}.onnx"
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")
            torch.onnx.export(torch.jit.trace(module, image), (image,), str(onnx),
                              opset_version=13, dynamo=False)  # fmt: skip
        found = openvino.convert_model(onnx)
        openvino.save_model(found, target / f"{role}.xml", compress_to_fp16=False)
        context = model.preprocessing.get("context_mm")
        settings[role] = {"size": size, "context_mm": context, **model.metadata["labels"]}
    (target / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    return target


def _module(model):
    from safetensors.numpy import load_file

    from spinalcord.training.torch_networks import build, load_tensors

    metadata = model.metadata
    options = {key: metadata[key] for key in ("in_channels", "norm_eps", "final_norm",
               "final_relu") if key in metadata}  # fmt: skip
    if model.network == "multiresunet":
        options["outputs"] = len(model.outputs)
    module = build(model.network, **options).eval()
    tensors = load_file(model.path)
    load_tensors(module, {name: np.float32(values) for name, values in tensors.items()})
    return module


def with_cam(module):
    """Add both answers' Grad-CAM to a classifier: with this head their gradients are closed."""
    import torch

    if not hasattr(module, "hidden"):
        return module

    class WithCam(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.module = module

        def forward(self, x):
            maps = module.feature_maps(x)
            hidden = module.hidden(maps.mean((2, 3)))
            scores = module.output(torch.relu(hidden))
            active = (hidden > 0).to(maps.dtype).unsqueeze(1) * module.output.weight
            gradient = active @ module.hidden.weight  # (n, 2, channels)
            size = maps.shape[2] * maps.shape[3]
            cams = torch.einsum("nkc,nchw->nkhw", gradient, maps) / size
            return torch.softmax(scores, 1), cams

    return WithCam().eval()


def main() -> int:
    """Compute one case."""
    models, scan, out = (Path(text) for text in sys.argv[1:4])
    precision, threads = sys.argv[4], int(sys.argv[5])
    import openvino
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    settings = json.loads((models / "settings.json").read_text(encoding="utf-8"))
    core = openvino.Core()

    def compiled(role: str, hint: str):
        return core.compile_model(str(models / f"{role}.xml"), "CPU", {
            "PERFORMANCE_HINT": hint,
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
        })  # fmt: skip

    image = sitk.DICOMOrient(sitk.ReadImage(str(scan), sitk.sitkFloat32), "PIR")
    array = sitk.GetArrayFromImage(image)
    scaled = prepare(array)
    labels = settings["segmentation"]
    images = with_context(scaled, labels["context_mm"], image.GetSpacing()[2])
    maps = segment(openvino, compiled("segmentation", "THROUGHPUT"), images, labels["size"])
    cord = largest(sitk, maps[:, 1] >= 0.5)
    lesion = kept(sitk, maps[:, 0], cord, labels, image)
    out.mkdir(parents=True, exist_ok=True)
    report: dict = {"lesion_mm3": float(lesion.sum()) * float(np.prod(image.GetSpacing()))}
    write(sitk, lesion.astype(np.uint8), image, out / "lesion.nii.gz")
    write(sitk, cord.astype(np.uint8), image, out / "cord.nii.gz")
    if lesion.any():
        for task in TASKS:
            network = compiled(task, "LATENCY")
            positive, cam = classify(network, scaled, lesion, settings[task]["size"])
            name = settings[task]["positive" if positive >= settings[task]["threshold"]
                                  else "negative"]  # fmt: skip
            report[task] = {"positive": positive, "answer": name}
            write(sitk, cam, image, out / f"cam-{task}.nii.gz")
    (out / "case.json").write_text(json.dumps(report, indent=2), encoding="utf-8")
    return 0


def prepare(array: np.ndarray) -> np.ndarray:
    """Scale the intensities as the networks expect them."""
    z = np.clip((array - array.mean(dtype=np.float64)) / array.std(dtype=np.float64), -5, 5)
    return ((z - z.min()) / (z.max() - z.min())).astype(np.float32)


def with_context(scaled: np.ndarray, context_mm: float | None, step_mm: float) -> np.ndarray:
    """Return (slices, channels, rows, columns): each slice, between what lies beside it."""
    if not context_mm:
        return scaled[:, None]
    last = len(scaled) - 1

    def beside(offset: float) -> np.ndarray:
        at = np.clip(np.arange(last + 1) + offset, 0, last)
        low = np.floor(at).astype(int)
        part = (at - low).astype(np.float32)[:, None, None]
        return scaled[low] * (1 - part) + scaled[np.minimum(low + 1, last)] * part

    step = context_mm / step_mm
    return np.stack((beside(-step), scaled, beside(step)), axis=1)


def segment(openvino, network, images: np.ndarray, size: list[int]) -> np.ndarray:
    """Return (slices, 2, rows, columns), one request in flight for each stream."""
    n, _, rows, columns = images.shape
    pad_y, pad_x = size[1] - rows, size[2] - columns
    images = np.pad(images, ((0, 0), (0, 0), (pad_y // 2, pad_y - pad_y // 2),
                             (pad_x // 2, pad_x - pad_x // 2)))  # fmt: skip
    maps = np.empty((n, 2, *images.shape[2:]), np.float32)
    queue = openvino.AsyncInferQueue(network)

    def keep(request, index: int) -> None:
        maps[index] = request.get_output_tensor().data[0]

    queue.set_callback(keep)
    for index in range(n):
        queue.start_async({0: images[index][None]}, index, share_inputs=True)
    queue.wait_all()
    return maps[:, :, pad_y // 2 : pad_y // 2 + rows, pad_x // 2 : pad_x // 2 + columns]


def largest(sitk, mask: np.ndarray) -> np.ndarray:
    """Return the largest connected piece."""
    pieces = sitk.RelabelComponent(
        sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True)
    )
    return sitk.GetArrayFromImage(pieces) == 1


def kept(sitk, lesion: np.ndarray, cord: np.ndarray, labels: dict, image) -> np.ndarray:
    """Return the lesions that are large enough, somewhere probable enough and touch the cord."""
    mask = lesion >= labels["threshold"]
    pieces = sitk.GetArrayFromImage(
        sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True)
    )
    sizes = np.bincount(pieces.ravel()) * float(np.prod(image.GetSpacing()))
    inside = np.bincount(pieces.ravel(), cord.ravel().astype(np.float64)) > 0
    peaks = np.zeros(len(sizes))
    np.maximum.at(peaks, pieces[mask], lesion[mask])
    good = (sizes >= labels["min_lesion_mm3"]) & inside & (peaks >= labels.get("min_peak", 0))
    good[0] = False
    return good[pieces]


def classify(network, scaled: np.ndarray, lesion: np.ndarray, size: list[int]):
    """Return the mean probability and the answer's Grad-CAM on the scan's grid."""
    request = network.create_infer_request()
    cam = np.zeros(scaled.shape, np.float32)
    positives, parts = [], []
    for index in np.flatnonzero(lesion.any(axis=(1, 2))):
        where = np.argwhere(lesion[index])
        middle = (where.min(0) + where.max(0) + 1) // 2
        window = np.zeros((1, 3, *size[1:]), np.float32)
        low = middle - np.array(size[1:]) // 2
        top, end = np.maximum(low, 0), np.minimum(low + size[1:], scaled.shape[1:])
        to = tuple(slice(a - b, c - b) for a, b, c in zip(top, low, end, strict=True))
        of = tuple(slice(a, c) for a, c in zip(top, end, strict=True))
        window[(0, 1, *to)] = scaled[(index, *of)]
        window[(0, 2, *to)] = lesion[(index, *of)]
        found = request.infer({0: window})
        positives.append(float(found[0][0, 1]))
        parts.append((index, of, to, np.array(found[1][0])))
    positive = float(np.mean(positives))
    for index, of, to, maps in parts:
        one = maps[int(positive >= 0.5)]
        whole = np.kron(one, np.ones((32, 32), np.float32))
        cam[(index, *of)] = whole[to]
    return positive, cam


def write(sitk, array: np.ndarray, like, path: Path) -> None:
    """Write a result on the scan's grid."""
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(like)
    sitk.WriteImage(image, str(path), useCompression=True)


if __name__ == "__main__":
    sys.exit(main())
