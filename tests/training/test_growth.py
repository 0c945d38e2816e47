"""A classifier that begins with the first layers of its dense blocks."""

from dataclasses import replace

import pytest

from spinalcord.errors import InputError

torch = pytest.importorskip("torch", reason="torch is not installed")

growth = pytest.importorskip("spinalcord.training.growth")
normalise = pytest.importorskip("spinalcord.training.batch_norm").normalise
problems = pytest.importorskip("spinalcord.training.problems")
DenseNet121 = pytest.importorskip("spinalcord.training.torch_networks").DenseNet121
Settings = problems.Settings

SMALL = Settings(batch=4, window=(64, 64), grow=0.5)


def varied(network):
    """Give the computed normalisations statistics and scales that differ by channel."""
    network.train()
    with torch.no_grad():
        for name, value in network.named_parameters():
            if "norm" in name:
                value.add_(0.3 * torch.randn(value.shape))
        for _ in range(3):
            network(torch.randn(4, 3, 64, 64))
    return network.eval()


@pytest.fixture
def grown():
    torch.manual_seed(1)
    network = DenseNet121()
    growth.silence_layers(network)
    return network


def test_layers_that_join_change_nothing(grown):
    image = torch.randn(2, 3, 96, 64)
    growth.join_layers(grown, all_of_them=False)
    network = varied(grown)
    with torch.no_grad():
        few = network(image, logits=True)
        growth.join_layers(network, all_of_them=True)
        # What nobody has computed yet has shifts of its own here, and adds them.
        for block, count in zip((1, 2, 3, 4), growth.FIRST_LAYERS, strict=True):
            start = (64, 128, 256, 512)[block - 1] + 32 * count
            after = network.features.get_submodule(
                "norm5" if block == 4 else f"transition{block}.norm"
            )
            after.bias[start:] = 0
        whole = network(image, logits=True)
    assert few.std() > 0
    torch.testing.assert_close(whole, few, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_only_the_first_layers_learn(grown, dtype):
    before = {name: value.clone() for name, value in grown.state_dict().items()}
    growth.join_layers(grown, all_of_them=False)
    optimizer = torch.optim.Adam(grown.parameters(), lr=0.01)
    grown.train()
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        loss = grown(torch.randn(4, 3, 64, 64), logits=True).float().square().mean()
    loss.backward()
    optimizer.step()
    after = grown.state_dict()
    late = "features.denseblock3.denselayer7."
    for name in before:
        if name.startswith(late):
            assert torch.equal(before[name], after[name]), name
    for name in ("features.denseblock3.denselayer6.conv2.weight", "features.norm5.running_mean"):
        assert not torch.equal(before[name], after[name]), name
    assert torch.equal(before["features.norm5.running_mean"][640:],
                       after["features.norm5.running_mean"][640:])  # fmt: skip


def test_layers_that_have_joined_learn(grown):
    growth.join_layers(grown, all_of_them=True)
    grown.train()
    optimizer = torch.optim.Adam(grown.parameters(), lr=0.01)
    late = {
        name: value.clone()
        for block, count in zip((1, 2, 3, 4), growth.FIRST_LAYERS, strict=True)
        for number in range(count + 1, growth.DENSE_BLOCKS[block - 1] + 1)
        for name in [f"features.denseblock{block}.denselayer{number}.conv2.weight"]
        for value in [grown.get_parameter(name).detach()]
    }
    assert len(late) == 41
    for _ in range(2):  # what is read with zeros has no gradient in the first step
        optimizer.zero_grad()
        grown(torch.randn(4, 3, 64, 64), logits=True).square().mean().backward()
        optimizer.step()
    for name, value in late.items():
        assert not torch.equal(grown.get_parameter(name), value), name


@pytest.mark.parametrize("training", [False, True])
def test_normalises_the_first_channels(training):
    norm, part = torch.nn.BatchNorm2d(6), torch.nn.BatchNorm2d(4)
    for one in (norm, part):
        torch.nn.init.constant_(one.weight, 2.0)
        one.train(training)
    x = torch.randn(3, 4, 5, 5)
    torch.testing.assert_close(normalise(norm, x), part(x))
    torch.testing.assert_close(norm.running_var[:4], part.running_var)
    assert torch.equal(norm.running_var[4:], torch.ones(2))
    assert norm.num_batches_tracked == part.num_batches_tracked


@pytest.mark.slow
def test_all_layers_join_after_their_share(window_entries):
    problem = problems.make_problem("diagnosis", window_entries, SMALL)
    network = problem.build()
    for share, layers in (
        (0.0, growth.FIRST_LAYERS),
        (0.49, growth.FIRST_LAYERS),
        (0.5, growth.DENSE_BLOCKS),
    ):
        problem.advance(network, share)
        blocks = [network.features.get_submodule(f"denseblock{i}") for i in (1, 2, 3, 4)]
        assert tuple(block.layers for block in blocks) == tuple(layers)
    problem.advance(network, 0.0)
    problem.finish(network)
    assert network.features.denseblock4.layers == growth.DENSE_BLOCKS[3]
    assert not network.hidden.weight[:, 640:].any()
    assert network.hidden.weight[:, :640].any()
    whole = problems.make_problem("diagnosis", window_entries, replace(SMALL, grow=0.0)).build()
    assert whole.hidden.weight[:, 640:].any()


def test_refuses_to_grow_what_has_learnt_or_has_no_blocks():
    growth.check_growth("diagnosis", SMALL, None)
    with pytest.raises(InputError, match=r"grow is for random initial weights, got those of a\.pt"):
        growth.check_growth("diagnosis", SMALL, "folder/a.pt")
    with pytest.raises(InputError, match="grow is for classifiers"):
        growth.check_growth("segmentation", SMALL, None)
