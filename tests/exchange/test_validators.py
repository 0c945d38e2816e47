"""Objects of a phantom series before independent programs: dciodvfy and dcmqi."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest
import SimpleITK as sitk
from annotations import make_arrays, make_series

from spinalcord.exchange.capture_object import make_capture
from spinalcord.exchange.maker import Maker
from spinalcord.exchange.report_object import make_report
from spinalcord.exchange.segmentation_object import make_segmentation
from spinalcord.exchange.sources import read_sources
from spinalcord.scans.reading import read
from spinalcord.scans.volume import Volume

pytestmark = pytest.mark.slow
MAKER = Maker("test 1", "ab" * 32, "research only")


def program(name):
    """A program's path; dciodvfy comes with dicom3tools, the others with dcmqi."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture
def objects(tmp_path):
    """The four objects of a series with an odd age and a sequence without an item."""
    pydicom = pytest.importorskip("pydicom")
    pytest.importorskip("highdicom")
    folder = make_series(tmp_path / "dicom")
    for path in folder.iterdir():
        data = pydicom.dcmread(path)
        with pytest.warns(UserWarning, match="Invalid value for VR AS"):
            data.PatientAge = "0Y"
        data.ProcedureCodeSequence = []
        data.save_as(path)
    scan = read(folder)
    source = read_sources(scan)
    assert source.images[0].PatientAge == "000Y"
    _, lesion, _ = make_arrays()
    frames = np.moveaxis(lesion, -1, 0).transpose(0, 2, 1)
    mask = scan.like(frames.transpose(2, 1, 0).astype(np.uint8))
    made = {
        "seg": make_segmentation(source, mask, "lesion", MAKER),
        "fractional": make_segmentation(
            source, mask.like(mask.array * np.float32(0.75)), "lesion", MAKER, fractional=True
        ),
        "sc": make_capture(source, [np.full((9, 8, 3), 7, np.uint8)], "nothing", MAKER),
    }
    made["sr"] = make_report(
        source, made["seg"], [{"label": 1, "volume_mm3": 2.0, "length_mm": 1.0}], volume_mm3=2.0,
        probabilities={"MS": 1.0}, diagnosis="MS", maker=MAKER,
    )  # fmt: skip
    for name, each in made.items():
        each.save_as(tmp_path / f"{name}.dcm")
    return tmp_path, mask


def test_dciodvfy_finds_no_error(objects):
    checker, (folder, _) = program("dciodvfy"), objects
    for name in ("seg", "fractional", "sr", "sc"):
        told = subprocess.run([checker, folder / f"{name}.dcm"], capture_output=True, text=True)
        lines = (told.stdout + told.stderr).splitlines()
        assert lines, name  # it names the object's kind at least
        assert [line for line in lines if line.startswith("Error")] == [], name


def test_dcmqi_reads_segmentation_and_report(objects):
    reader, (folder, mask) = program("segimage2itkimage"), objects
    out = folder / "dcmqi"
    out.mkdir()
    given = ["--inputDICOM", folder / "seg.dcm", "--outputDirectory", out, "--outputType", "nrrd"]
    subprocess.run([reader, *given], check=True, capture_output=True)
    (path,) = out.glob("*.nrrd")
    found, want = Volume.from_any(sitk.ReadImage(str(path))).sagittal(), mask.sagittal()
    assert found.same_grid(want, 0.01)
    np.testing.assert_array_equal(found.array != 0, want.array != 0)
    given = ["--inputDICOM", folder / "sr.dcm", "--outputMetadata", folder / "sr.json"]
    subprocess.run([program("tid1500reader"), *given], check=True, capture_output=True)
    groups = json.loads((folder / "sr.json").read_text())["Measurements"]
    items = groups[0]["measurementItems"]
    values = {item["quantity"]["CodeMeaning"]: float(item["value"]) for item in items}
    assert values == {"Volume": 2.0, "Probability of MS": 1.0}
