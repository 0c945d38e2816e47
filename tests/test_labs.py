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
from spinalcord.scans.volume import Volume

PAGE = Path(__file__).resolve().parents[1] / "docs" / "labs.md"
pytestmark = pytest.mark.slow

TINY = ["--steps", "1", "--epochs", "1", "--batch", "4", "--window", "32,32", "--patch", "32",
        "--aspect", "2", "--device", "cpu", "--precision", "f32", "--no-tensorboard"]  # fmt: skip
"""What the commands that train get besides: a step of small patches for each network."""

SECRETS = ("Doe", "Jane", "SECRET")


def steps():
    """The page's commands in their order, each with what the page shows of its output."""
    text = PAGE.read_text(encoding="utf-8")
    found = []
    for block, shown in re.findall(r"```bash\n(.*?)```(?:\s+```text\n(.*?)```)?", text, re.DOTALL):
        lines = [line for line in block.splitlines() if line.strip()]
        assert all(line.startswith("spinalcord ") for line in lines)
        found += [[shlex.split(line)[1:], ""] for line in lines]
        found[-1][1] = shown
    return found


def plain(text):
    """The lines of an output, with a sign for every number: times and disks differ."""
    masked = re.sub(r"\d[\d.,]*(?: (?:seconds|minutes|hours)\b)?", "#", text)
    return [line.strip() for line in masked.splitlines() if line.strip()]


def make_cohort(folder):
    """Write what the page shows: scans, four kinds of masks, and a table with two slips."""
    array, lesion, cord = make_arrays()
    values = np.where(lesion, 2, cord).astype(np.uint8)
    for number in (1, 2, *range(5, 11)):
        own = folder / f"p{number:02d}"
        own.mkdir(parents=True)
        image = nibabel.Nifti1Image((array + number).astype(np.int16), AFFINE)
        image.to_filename(own / "t2.nii.gz")
        if number > 1:
            drawn = values if number < 9 else cord.astype(np.uint8)  # two without lesion
            nibabel.Nifti1Image(drawn, AFFINE).to_filename(own / "labels.nii.gz")
    parts = {"Spinal cord": cord & ~lesion, "MS lesion": lesion}
    write_slicer_file(folder / "p01" / "lesion.seg.nrrd", Volume(array, AFFINE), parts)
    for name, entropy in (("p03", 3), ("p04", 4)):
        make_series(folder / name / "dicom", "Doe^Jane", entropy, seed=entropy)
    frames = [np.moveaxis(part, -1, 0).transpose(0, 2, 1) for part in (cord, lesion)]
    own = folder / "p03"
    write_seg(own / "seg.dcm", own / "dicom", {"Cord": frames[0], "Lesion": frames[1]})
    curves = {"Cord": outline(cord, AFFINE), "Lesion": outline(lesion, AFFINE)}
    write_rtstruct(folder / "p04" / "rtstruct.dcm", folder / "p04" / "dicom", curves)
    shown = re.search(r"```\n(case_id,.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    (folder / "cohort.csv").write_text(shown, encoding="utf-8")


@pytest.mark.filterwarnings("ignore::spinalcord.errors.SpinalcordWarning")
def test_the_page_from_annotations_to_dicom_objects(tmp_path, monkeypatch, capsys):
    pydicom = pytest.importorskip("pydicom")
    pytest.importorskip("highdicom")
    pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    monkeypatch.chdir(tmp_path)
    make_cohort(tmp_path / "cohort")
    codes, said = [], {}
    for number, (arguments, shown) in enumerate(steps()):
        given = [*arguments, *(TINY if arguments[0] == "train" else ())]
        codes.append(main(given))
        told = capsys.readouterr()
        said[number] = told
        (tmp_path / f"said-{number}.txt").write_text(f"{told.err}\n---\n{told.out}")
        lines = plain(told.err + told.out)
        for line in plain(shown):
            assert line == "..." or line in lines, f"{shlex.join(arguments)}: {line}"
    names = [arguments[0] for arguments, _ in steps()]
    assert names == ["check", "check", "train", "train", "report", "run", "report"]
    assert codes == [1, 0, 0, 0, 0, 0, 0]  # the first check finds the two slips
    assert json.loads(said[0].out)["counts"]["mask"] == {"empty": 2, "found": 8}
    assert json.loads(said[2].out)["trainings"] == 10
    assert len(json.loads(said[3].out)["models"]) == 8
    assert "| Dice score |" in (tmp_path / "models" / "model-card.md").read_text()
    assert len(table(tmp_path / "models" / "out-of-fold" / "cases.tsv")) == 10

    rows = {row["case_id"]: row for row in table(tmp_path / "results" / "cases.tsv")}
    volumes = {float(row["reference_volume_mm3"]) for row in rows.values()}
    assert len(rows) == 10
    # Four tools' files of one drawing, and two without lesion.
    drawn = sorted(volumes - {0.0})
    assert 0.0 in volumes
    assert drawn[-1] - drawn[0] < 0.01
    assert "no DICOM objects" in rows["p01"]["warnings"]
    assert "no DICOM objects" not in rows["p03"]["warnings"]
    for case in ("p03", "p04"):
        folder = tmp_path / "results" / case
        scan = pydicom.dcmread(next((tmp_path / "cohort" / case / "dicom").iterdir()))
        objects = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
        assert {each.Modality for each in objects} >= {"SEG", "SR"}
        for each in objects:
            assert each.PatientName == scan.PatientName
            assert each.StudyInstanceUID == scan.StudyInstanceUID
    assert (tmp_path / "report" / "index.html").is_file() or list((tmp_path / "report").glob("*"))

    for path in (p for where in ("check", "results", "report") for p in Path(where).rglob("*")):
        if path.is_file() and path.suffix != ".dcm":
            data = path.read_bytes()
            assert not any(secret.encode() in data for secret in SECRETS), path
