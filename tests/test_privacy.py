"""What a scan's header says about a patient gets into nothing, and nothing asks the network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from scans.conftest import SeriesMaker

TEXTS = {
    "PatientName": "Zyxmark^Name", "PatientID": "ZYXMARK-1", "PatientBirthDate": "19410203",
    "OtherPatientIDs": "ZYXMARK-2", "PatientAddress": "Zyxmark Street",
    "PatientComments": "Zyxmark",
    "InstitutionName": "Zyxmark Hospital", "InstitutionAddress": "Zyxmark Road",
    "ReferringPhysicianName": "Zyxmark^Doctor", "OperatorsName": "Zyxmark^Operator",
    "PerformingPhysicianName": "Zyxmark^Other", "StationName": "ZYXMARK3", "StudyID": "ZYXMARK4",
    "AccessionNumber": "ZYXMARK5", "DeviceSerialNumber": "ZYXMARK6", "StudyDate": "19420304",
    "SeriesDate": "19430405", "AcquisitionDate": "19440506", "ContentDate": "19450607",
    "StudyDescription": "Zyxmark study", "ImageComments": "Zyxmark image",
    "RequestedProcedureDescription": "Zyxmark request",
    "AdditionalPatientHistory": "Zyxmark history",
}  # fmt: skip
MARKS = re.compile(rb"zyxmark|19410203|1941-02-03|1942-?03-?04|19430405|19440506|19450607", re.I)
BLOCKED = """
import socket
class Blocked(socket.socket):
    def connect(self, *a): raise SystemExit("connected to %r" % (a,))
    connect_ex = sendto = connect
def no(*a, **k): raise SystemExit("looked up %r" % (a,))
socket.socket = Blocked
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = no
"""


# Every command runs in a namespace that has no interface, where the system lets one be made: there
# the kernel itself refuses what any library tries.
WITHOUT_INTERFACES = ["unshare", "--user", "--map-root-user", "--net"]
COUNT_INTERFACES = "import socket; print(*(name for _, name in socket.if_nameindex()))"


def isolated():
    try:
        command = [*WITHOUT_INTERFACES, sys.executable, "-c", COUNT_INTERFACES]
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return []
    return WITHOUT_INTERFACES if (done.returncode, done.stdout.strip()) == (0, "lo") else []


def mark(data, k):
    for name, value in TEXTS.items():
        setattr(data, name, value)
    block = data.private_block(0x0009, "ZYXMARK CREATOR", create=True)
    block.add_new(1, "LO", "Zyxmark private")
    block.add_new(2, "OB", b"Zyxmark bytes")


@pytest.fixture
def command(tmp_path, random_models):
    """command(*arguments): what `spinalcord` says, without a way to the network."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(BLOCKED)
    paths = [str(tmp_path / "site"), *filter(None, sys.path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    around = isolated()

    def run(*arguments):
        done = subprocess.run(
            [*around, sys.executable, "-m", "spinalcord.cli", *map(str, arguments)],
            capture_output=True, env=environment, cwd=tmp_path, timeout=300,
        )  # fmt: skip
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done

    return run


def test_no_interface_is_there():
    if not isolated():
        pytest.skip("this system lets no namespace be made; Python's own sockets are blocked")
    command = [*WITHOUT_INTERFACES, sys.executable, "-c", "import socket; socket.create_connection("
               "('192.0.2.1', 80), 5)"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert "unreachable" in done.stderr


def marks_in(done):
    return MARKS.findall(done.stdout + done.stderr)


@pytest.mark.slow
def test_nothing_of_the_header_gets_out_and_nothing_connects(tmp_path, command, random_models):
    maker = SeriesMaker()
    maker.rows, maker.columns = 40, 36
    scan, out = tmp_path / "cohort" / "c1" / "t2", tmp_path / "out"
    maker.classic(scan, 5, edit=mark)
    raw = b"".join(path.read_bytes() for path in scan.iterdir())
    assert len(MARKS.findall(raw)) > 5 * len(TEXTS)
    options = ("--models", random_models, "--precision", "f32")
    said = [
        command("segment", scan, *options, "-o", out / "segment"),
        command("run", tmp_path / "cohort", out / "run", *options),
        command("demo", *options[:2], "-o", out / "demo.html"),
    ]
    for done in said:
        assert done.returncode == 0, done.stderr.decode()
    mask = next((out / "segment").glob("*lesion_mask.nii.gz"))
    said.append(command("classify", scan, *options, "--mask", mask, "-o", out / "c.json"))
    said.append(command("explain", scan, *options, "--mask", mask, "-o", out / "explain"))
    said.append(command("report", out / "run"))
    files = [path for path in out.rglob("*") if path.is_file()]
    assert len(files) > 8
    import gzip

    for path in files:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        assert not MARKS.search(content), path
    assert [marks_in(done) for done in said] == [[]] * len(said)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "position", "modality"])
def test_no_exception_says_anything_of_the_header(tmp_path, command, random_models, damage):
    def edit(data, k):
        mark(data, k)
        if damage == "modality":
            data.Modality = "CT"
        elif damage == "position" and k == 2:
            data.ImagePositionPatient = [0, 0, 0]

    scan = tmp_path / "t2"
    SeriesMaker().classic(scan, 5, edit=edit)
    if damage == "cut":
        for path in Path(scan).iterdir():
            path.write_bytes(path.read_bytes()[:-40])
    done = command("segment", scan, "--models", random_models, "-o", tmp_path / "out")
    assert done.returncode == 4, done
    assert marks_in(done) == []
