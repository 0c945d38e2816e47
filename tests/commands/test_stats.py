"""`spinalcord stats`: the published letter."""

from __future__ import annotations

import json

import pytest

from spinalcord.cli import main


def test_stats_prints_the_letter_s_table_and_audit(capsys):
    assert main(["stats", "--letter"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert "constructed from published counts" in printed["notice"]
    assert printed["table2"][0]["sentence"] == "96 % (150 of 157) [95 % CI: 91 %, 98 %]"
    assert any("79 % cannot be a share" in finding["text"] for finding in printed["audit"])


def test_stats_of_nothing_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["stats"])
    assert stopped.value.code == 2
    assert "--letter" in capsys.readouterr().err
