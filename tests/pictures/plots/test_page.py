"""docs/pictures.md: its examples run as they stand."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from stand_ins import lesion_of, make_folder, stored, working_array

from spinalcord.scans.writing import save_volume

PAGE = Path(__file__).resolve().parents[3] / "docs" / "pictures.md"


@pytest.mark.slow
@pytest.mark.usefixtures("stand_in", "pyplot")
def test_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_folder(tmp_path / "models")
    array = working_array()
    scan = stored(array)
    save_volume(scan, "t2.nii.gz")
    save_volume(stored(lesion_of(array)), "lesion.nii.gz")
    save_volume(stored((array > 20).astype("uint8")), "cord.nii.gz")
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 3
    names: dict[str, object] = {}
    for block in blocks:
        if importlib.util.find_spec("ipywidgets") is None:
            block = re.sub(r"^.*\.view\(.*$", "", block, flags=re.M)
        exec(compile(block, str(PAGE), "exec"), names)
    assert (tmp_path / "lesions.pdf").read_bytes()[:5] == b"%PDF-"
    assert len(names["figure"].axes) == 2
