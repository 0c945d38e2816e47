"""spinalcord.training.starting: what fits is taken, what does not is named."""

from __future__ import annotations

import pytest

from spinalcord.errors import ModelError
from spinalcord.models import architectures as networks

torch = pytest.importorskip("torch", reason="torch is not installed")
starting = pytest.importorskip("spinalcord.training.starting")
modules = pytest.importorskip("spinalcord.training.torch_networks")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    tensors = networks.random_tensors("densenet121", 5)
    for name in ("output.weight", "output.bias"):
        own = torch.arange(4.0)
        tensors[name] = (
            own.numpy() if name.endswith("bias") else own[:, None].expand(4, 128).numpy()
        )
    path = tmp_path_factory.mktemp("start") / "start.safetensors"
    return starting.write_start(path, tensors, {"training": {}})


@pytest.mark.parametrize(
    ("task", "rows"),
    [
        ("tumor_vs_demyelination", [0.5, 2.5]),
        ("astrocytoma_vs_ependymoma", [0, 1]),
        ("ms_vs_nmosd", [2, 3]),
    ],
)
def test_a_task_takes_its_rows_of_the_start(start, task, rows):
    network = modules.build("densenet121")
    starting.load_init(network, task, start)
    assert network.output.bias.tolist() == rows
    assert network.output.weight[:, 7].tolist() == rows
    want = networks.random_tensors("densenet121", 5)["features.conv0.weight"]
    assert torch.equal(network.features.conv0.weight, torch.from_numpy(want))


@pytest.mark.slow
def test_segmentation_gains_a_cord(tmp_path):
    from spinalcord.models.folder import write_random

    paths = write_random(tmp_path, 0)
    path = next(p for p in paths if p.stem == "segmentation")
    one, two = (modules.build("multiresunet", outputs=n, final_norm=False) for n in (1, 2))
    starting.load_init(two, "segmentation", path)
    starting.load_init(one, "segmentation", path)
    assert torch.equal(one.head.conv.weight, two.head.conv.weight[:1])
    assert torch.equal(one.encoder[0].a.conv.weight, two.encoder[0].a.conv.weight)
    with pytest.raises(ModelError, match="does not fit: tensor"):
        starting.load_init(modules.build("densenet121"), "ms_vs_nmosd", path)


@pytest.mark.slow
def test_segmentation_gains_neighbouring_slices(tmp_path):
    """At first the network of three slices says nearly what that of one did."""
    from spinalcord.models import write_random

    path = next(p for p in write_random(tmp_path, 0) if p.stem == "segmentation")
    one = modules.build("multiresunet", outputs=2, final_norm=False)
    three = modules.build("multiresunet", in_channels=3, outputs=2, final_norm=False)
    starting.load_init(one, "segmentation", path)
    starting.load_init(three, "segmentation", path)
    for name in starting.FIRST:
        old, new = one.state_dict()[name], three.state_dict()[name]
        assert torch.equal(new[:, 1], old[:, 0])
        beside = new[:, [0, 2]].abs().mean()
        assert 0 < beside < 0.1 * old.abs().mean()
    # The other way round is refused: a model of three slices knows no less.
    five = modules.build("multiresunet", in_channels=5, outputs=2, final_norm=False)
    with pytest.raises(ModelError, match=r"encoder\.0\.a\.conv\.weight is"):
        starting.load_init(five, "segmentation", path)


@pytest.mark.slow
@pytest.mark.parametrize("old", [False, True])
def test_a_torchvision_backbone(tmp_path, old):
    source = modules.build("densenet121")
    state = {k: v for k, v in source.state_dict().items() if k.startswith("features.")}
    if old:
        for kind in ("norm", "conv"):
            for n in "12":
                state = {k.replace(f".{kind}{n}.", f".{kind}.{n}.") if "denselayer" in k else k: v
                         for k, v in state.items()}  # fmt: skip
        assert "features.denseblock1.denselayer1.norm.1.weight" in state
    state["classifier.weight"] = torch.zeros(1000, 1024)
    torch.save(state, tmp_path / "densenet121.pth")
    network = modules.build("densenet121")
    head = network.hidden.weight.clone()
    starting.load_backbone(network, tmp_path / "densenet121.pth")
    assert torch.equal(network.hidden.weight, head)
    for name, value in network.state_dict().items():
        if name.startswith("features."):
            assert torch.equal(value, source.state_dict()[name]), name


def test_what_does_not_fit_is_named(tmp_path):
    network = modules.build("densenet121")
    path = tmp_path / "w.pth"
    torch.save({"features.conv0.weight": torch.zeros(64, 1, 7, 7)}, path)
    with pytest.raises(ModelError, match=r"conv0\.weight is \(64, 1, 7, 7\)"):
        starting.load_backbone(network, path)
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match=r"conv0\.weight is missing"):
        starting.load_backbone(network, path)
    torch.save([1, 2], path)
    with pytest.raises(ModelError, match="no state_dict"):
        starting.read_tensors(path)
    for name in ("none.pth", "none.safetensors"):
        with pytest.raises(ModelError, match="no weights could be read"):
            starting.read_tensors(tmp_path / name)
