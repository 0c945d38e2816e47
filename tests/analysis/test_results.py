"""Records of how results were made, option checks, names of output files."""

from __future__ import annotations

import json
import re

import pytest

from spinalcord.analysis.results import Record, output_path, result_html, table_html
from spinalcord.errors import InputError

RECORD = Record(
    stem="sub-01",
    sources=({"name": "a.nii.gz", "sha256": "0"},),
    models=({"notice": "n1"}, {"notice": ""}, {"notice": "n1"}),
    settings={"threshold": 0.5},
    precision="f32",
    threads=2,
    seconds={"read": 0.123456},
    warnings=("careful <now>",),
)


def test_notices_are_repeated_once():
    assert RECORD.notice == "n1"


def test_record_is_plain_json():
    text = json.loads(json.dumps(RECORD.to_dict(), allow_nan=False))
    assert text["seconds"] == {"read": 0.1235}
    assert text["warnings"] == ["careful <now>"]
    assert set(text["versions"]) == {"spinalcord", "numpy"}


def test_outputs_go_into_a_folder_or_under_a_name(tmp_path):
    folder = output_path(tmp_path, "sub-01", "desc-lesion_mask", ".nii.gz")
    assert folder == tmp_path / "sub-01_desc-lesion_mask.nii.gz"
    new = output_path(tmp_path / "v1.2", "sub-01", "diagnosis", ".json")
    assert new == tmp_path / "v1.2" / "sub-01_diagnosis.json"
    for name in ("x.nii.gz", "x.nii"):
        assert output_path(tmp_path / name, "s", "m", ".nii.gz") == tmp_path / name


@pytest.mark.parametrize(("name", "ending"), [("x.json", ".nii.gz"), ("x.nii.gz", ".json"),
                                              ("x.png", ".json")])  # fmt: skip
def test_endings_of_other_kinds_are_refused(tmp_path, name, ending):
    expected = re.escape(f"expected a folder, or a file name that ends in {ending}")
    with pytest.raises(InputError, match=expected):
        output_path(tmp_path / name, "s", "m", ending)
    (tmp_path / name).mkdir()
    assert output_path(tmp_path / name, "s", "m", ending).parent == tmp_path / name


def test_html_escapes_what_it_shows():
    html = result_html("<t>", None, table_html([{"a": "<b>", "c": 1.23456}], ("a", "c")), RECORD)
    for text in ("&lt;t&gt;", "&lt;b&gt;", "1.235", "careful &lt;now&gt;", "<b>n1</b>"):
        assert text in html
    assert table_html([], ("a",)) == ""
