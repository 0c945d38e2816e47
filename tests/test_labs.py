"""The commands of docs/labs.md, on phantoms laid out as a lab has its patients."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import nibabel
import numpy as np
import pytest
from annotations import AFFINE, make_arrays, make_series, outline, write_rtstruct, write_seg
from annotations import write_slicer as write_slicer_file
from cohorts import table

from spinalcord.cli import main
from spinalcord.models.folder import write_random
from spinalcord.scans.volume import Volume

PAGE = Path(__file__).resolve().parents[1] / "docs" / "labs.md"
pytestmark = pytest.mark.slow

SECRETS = ("Doe", "Jane", "SECRET")


def commands():
    """The page's commands, each as a list of arguments, in their order."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = [line for block in found for line in block.splitlines() if line.strip()]
    assert all(line.startswith("spinalcord ") for line in lines)
    return [shlex.split(line)[1:] for line in lines]


def make_cohort(folder):
    """Write what the page shows: scans, four kinds of masks, and a table with two slips."""
    array, lesion, cord = make_arrays()
    folder.mkdir()
    for name, seed in (("p01", 1), ("p02", 2)):
        (folder / name).mkdir()
        image = nibabel.Nifti1Image((array + seed).astype(np.int16), AFFINE)
        image.to_filename(folder / name / "t2.nii.gz")
    parts = {"Spinal cord": cord & ~lesion, "MS lesion": lesion}
    write_slicer_file(folder / "p01" / "lesion.seg.nrrd", Volume(array, AFFINE), parts)
    values = np.where(lesion, 2, cord).astype(np.uint8)
    nibabel.Nifti1Image(values, AFFINE).to_filename(folder / "p02" / "labels.nii.gz")
    for name, entropy in (("p03", 3), ("p04", 4)):
        make_series(folder / name / "dicom", "Doe^Jane", entropy, seed=entropy)
    frames = [np.moveaxis(part, -1, 0).transpose(0, 2, 1) for part in (cord, lesion)]
    own = folder / "p03"
    write_seg(own / "seg.dcm", own / "dicom", {"Cord": frames[0], "Lesion": frames[1]})
    curves = {"Cord": outline(cord, AFFINE), "Lesion": outline(lesion, AFFINE)}
    write_rtstruct(folder / "p04" / "rtstruct.dcm", folder / "p04" / "dicom", curves)
    shown = re.search(r"```\n(case_id,.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    (folder / "cohort.csv").write_text(shown, encoding="utf-8")


def test_the_page_from_annotations_to_dicom_objects(tmp_path, monkeypatch, capsys):
    pydicom = pytest.importorskip("pydicom")
    pytest.importorskip("highdicom")
    monkeypatch.chdir(tmp_path)
    make_cohort(tmp_path / "cohort")
    write_random(tmp_path / "models", 0)
    check, mended, run, report = (c for c in commands() if c[0] in ("check", "run", "report"))

    assert main(check) == 1
    told = capsys.readouterr()
    shown = re.findall(r"^spinalcord: to be mended: .*$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [line for line in told.err.splitlines() if "to be mended" in line] == shown
    assert json.loads(told.out)["counts"]["mask"] == {"found": 4}
    assert main(mended) == 0
    capsys.readouterr()

    assert main(run) == 0
    rows = {row["case_id"]: row for row in table(tmp_path / "results" / "cases.tsv")}
    volumes = {float(row["reference_volume_mm3"]) for row in rows.values()}
    assert len(rows) == 4
    # Four tools' files of one drawing.
    assert max(volumes) - min(volumes) < 0.01
    assert "no DICOM objects" in rows["p01"]["warnings"]
    assert "no DICOM objects" not in rows["p03"]["warnings"]
    for case in ("p03", "p04"):
        folder = tmp_path / "results" / case
        scan = pydicom.dcmread(next((tmp_path / "cohort" / case / "dicom").iterdir()))
        objects = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
        assert sorted(each.Modality for each in objects) == ["OT", "SEG", "SR"]
        for each in objects:
            assert each.PatientName == scan.PatientName
            assert each.StudyInstanceUID == scan.StudyInstanceUID
    assert main(report) == 0

    for path in (p for where in ("check", "results", "report") for p in Path(where).rglob("*")):
        if path.is_file() and path.suffix != ".dcm":
            data = path.read_bytes()
            assert not any(secret.encode() in data for secret in SECRETS), path
