"""Headers agree with pydicom, and damage never escapes as another exception."""

from __future__ import annotations

import contextlib
import re
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from dicom_helpers import equal, read_quietly
from fuzz.targets import resident_nbytes

from spinalcord.errors import InputError, SeriesError
from spinalcord.scans.header import read_header
from spinalcord.scans.reading import read
from spinalcord.scans.volume import Volume

pytest.importorskip("SimpleITK")
pytest.importorskip("pydicom")
pytestmark = pytest.mark.filterwarnings("error::spinalcord.errors.SpinalcordWarning")


def test_header_agrees_with_pydicom_and_holds_nothing_that_identifies(tmp_path, maker):
    import pydicom

    maker.classic(tmp_path)
    path = tmp_path / "IM0004"
    header, data = read_header(path), pydicom.dcmread(path)
    assert header.tags["series_uid"] == data.SeriesInstanceUID
    assert header.tags["sop_uid"] == data.SOPInstanceUID
    assert header.tags["position"] == tuple(map(float, data.ImagePositionPatient))
    assert header.tags["orientation"] == tuple(map(float, data.ImageOrientationPatient))
    assert header.tags["pixel_spacing"] == (0.8, 0.9)
    assert (header.tags["rows"], header.tags["columns"]) == (7, 9)
    assert header.tags["image_type"] == ("ORIGINAL", "PRIMARY", "M", "ND")
    assert not re.search("doe|jane|secret7|19700101", str(header.tags).lower())
    assert "tags" not in repr(header)


@pytest.mark.parametrize("syntax", ["ImplicitVRLittleEndian", "DeflatedExplicitVRLittleEndian"])
def test_other_encodings(tmp_path, maker, syntax):
    import pydicom

    def edit(data, k):
        data.file_meta.TransferSyntaxUID = getattr(pydicom.uid, syntax)

    equal(read_quietly(tmp_path, maker, edit=edit), maker.want)


def test_descriptions_and_private_sequences_do_not_disturb_the_walk(tmp_path, maker):
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    def edit(data, k):
        deep = Dataset()
        deep.ImagePositionPatient = [9, 9, 9]  # not the image's own
        deep.SeriesInstanceUID = "1.2.3"
        deep.is_undefined_length_sequence_item = True
        data.ReferencedImageSequence = Sequence([deep])
        data["ReferencedImageSequence"].is_undefined_length = k % 2 == 0
        block = data.private_block(0x0029, "TEST", create=True)
        block.add_new(1, "OB", b"\0" * 70000)
        block.add_new(2, "SQ", Sequence([deep]))

    equal(read_quietly(tmp_path, maker, edit=edit), maker.want)


def test_any_truncation_is_an_input_error(tmp_path, maker):
    """Cut a file anywhere: it is refused in our own words, never with another exception."""
    maker.enhanced(tmp_path / "mf.dcm", n=3)
    content = (tmp_path / "mf.dcm").read_bytes()
    path = tmp_path / "cut.dcm"
    for nbytes in range(1, len(content), 37):
        path.write_bytes(content[:nbytes])
        with pytest.raises(InputError, match=r"cut\.dcm"):
            read(path)


def test_an_element_behind_the_pixels_that_the_file_cannot_hold_is_refused(tmp_path, maker):
    """Found by fuzzing: GDCM took 1.6 GB for a file of 2 kB, and 20 s."""
    maker.enhanced(tmp_path / "mf.dcm", n=3)
    content = (tmp_path / "mf.dcm").read_bytes()
    path = tmp_path / "long.dcm"
    path.write_bytes(content + b"\x0c\x05\xe9\x0dOW\0\0" + struct.pack("<I", 1_600_000_000))
    read(tmp_path / "mf.dcm")  # the libraries are loaded now
    before = resident_nbytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    with pytest.raises(InputError, match=r"long\.dcm.*1600000000 bytes announced, 0 left"):
        read(path)
    assert resident_nbytes("VmHWM") - before < 64 << 20
    path.write_bytes(content + b"\xfc\xff\xfc\xffOB\0\0" + struct.pack("<I", 40) + bytes(40))
    assert isinstance(read(path), Volume)  # padding, as the standard allows


def test_an_unknown_representation_in_the_meta_information_is_refused(tmp_path, maker):
    """Its length is read in two ways; the decoder took 775 MB for a file of 2 kB."""
    maker.classic(tmp_path)
    path = tmp_path / "IM0004"
    path.write_bytes(path.read_bytes().replace(b"\2\0\x10\0UI", b"\2\0\x10\0UZ", 1))
    with pytest.raises(InputError, match="unknown value representation, 'UZ'"):
        read(path)


def test_any_damage_is_an_input_error_or_still_an_image(tmp_path, maker):
    maker.enhanced(tmp_path / "mf.dcm", n=3)
    content = (tmp_path / "mf.dcm").read_bytes()
    path = tmp_path / "bad.dcm"
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(150):
            damaged = bytearray(content)
            for at in rng.integers(132, len(content), 3):
                damaged[at] = rng.integers(0, 256)
            path.write_bytes(damaged)
            with contextlib.suppress(InputError):
                assert isinstance(read(path), Volume)


def test_deflated_nonsense_is_an_input_error(tmp_path):
    syntax = b"1.2.840.10008.1.2.1.99"
    meta = b"\x02\0\x10\0UI" + struct.pack("<H", len(syntax)) + syntax
    for body in (b"nonsense", zlib.compress(b"nonsense")):
        (tmp_path / "x.dcm").write_bytes(bytes(128) + b"DICM" + meta + body)
        with pytest.raises(InputError, match="deflated"):
            read(tmp_path / "x.dcm")


def test_truncated_file_names_itself(tmp_path, maker):
    maker.classic(tmp_path)
    path = tmp_path / "IM0002"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"IM0002: truncated: 30 bytes of pixels are missing"):
        read(path)
    with pytest.raises(SeriesError, match="IM0002 is truncated by 30 bytes"):
        read(tmp_path)


@pytest.mark.parametrize("vr", ["UT", "UC"])
def test_pixel_spacing_under_another_texts_representation_is_read(tmp_path, maker, vr):
    from pydicom.dataelem import DataElement

    def edit(data, k):
        data["PixelSpacing"] = DataElement(0x00280030, vr, "0.8\\0.9")

    equal(read_quietly(tmp_path, maker, edit=edit), maker.want)
