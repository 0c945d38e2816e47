"""Arguments that several commands share."""

from __future__ import annotations

import pytest

from spinalcord.cli import main
from spinalcord.commands import options
from spinalcord.models import network


def test_precisions_are_the_network_s():
    assert options.PRECISIONS == network.PRECISIONS


@pytest.mark.parametrize(
    "options",
    [
        ["--threshold", "1.5"],
        ["--threshold", "nan"],
        ["--min-lesion-mm3", "-1"],
        ["--min-thickness-mm", "-1"],
        ["--min-peak", "1.5"],
        ["--threads", "0"],
        ["--precision", "f64"],
        ["--nonsense"],
    ],
)
def test_bad_options_exit_2(options, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["segment", "t2.nii.gz", *options])
    assert exit_.value.code == 2
    assert capsys.readouterr().out == ""
