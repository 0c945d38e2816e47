"""The contrast of a series, told from its tags."""

from __future__ import annotations

import pytest

from spinalcord.scans.header import read_header

pytest.importorskip("SimpleITK")
pytest.importorskip("pydicom")
pytestmark = pytest.mark.filterwarnings("error::spinalcord.errors.SpinalcordWarning")


@pytest.mark.parametrize(
    ("tags", "weighting"),
    [
        ({"description": "", "RepetitionTime": 3000, "EchoTime": 90}, "T2"),
        ({"description": "", "RepetitionTime": 600, "EchoTime": 10}, "T1"),
        ({"description": "", "RepetitionTime": 3000, "EchoTime": 12}, "PD"),
        ({"description": "", "RepetitionTime": 900, "EchoTime": 70}, "unknown"),
        ({"description": "sag T2 FLAIR"}, "FLAIR"),
        ({"description": "TIRM sag"}, "STIR"),
        ({"description": "T2_SPACE sag p2"}, "T2"),
        ({"description": "T2star sag"}, "T2*"),
        ({"description": "resolve dwi sag t2"}, "EPI"),
        ({"description": "SAG PD"}, "PD"),
        ({"description": "T2 map sag"}, "map"),
        ({"description": "", "ImageType": ["ORIGINAL", "PRIMARY", "T2", "NONE"]}, "T2"),
        ({"description": "", "ScanningSequence": "GR", "EchoTime": 20}, "T2*"),
        ({"description": "", "ScanningSequence": ["EP", "SE"]}, "EPI"),
    ],
)
def test_weighting(tmp_path, maker, tags, weighting):
    from spinalcord.scans.series import group_series

    maker.classic(tmp_path, n=3, **tags)
    (found,) = group_series([read_header(path) for path in sorted(tmp_path.iterdir())])
    assert (found.weighting, found.reasons) == (weighting, ())
