"""Paths that users give: URLs are refused, odd names are not."""

from __future__ import annotations

from pathlib import Path

import pytest

import spinalcord as sc
from spinalcord.cohort.listing import list_cohort
from spinalcord.errors import InputError, ModelError
from spinalcord.paths import local_path
from spinalcord.phantom import make_cohort
from spinalcord.tables import read_table


@pytest.mark.parametrize(
    "url",
    [
        "https://host/t2.nii.gz",
        "HTTP://host/a b.nii",
        "s3://bucket/scans",
        "file:///data/t2.nii.gz",
        "ftp://host",
        Path("https://host/t2.nii.gz"),  # Path has made one slash of two
    ],
)
def test_urls_are_refused(url):
    with pytest.raises(InputError, match="expected a local file or folder, got a URL; nothing is"):
        local_path(url)
    with pytest.raises(ModelError, match="got a URL"):
        local_path(url, ModelError)


def test_no_table_no_cohort_and_no_folder_is_taken_from_a_url(tmp_path):
    url = "https://host/cohort.csv"
    cohort = [{"case_id": "a", "path": "a.nii"}]
    for call in (
        lambda: read_table(url),
        lambda: sc.Cohort(url),
        lambda: list_cohort(url),
        lambda: list_cohort(cohort, sc.CohortInputs(exclude=url)),
        lambda: sc.run_cohort(url, tmp_path / "out"),
        lambda: sc.run_cohort(cohort, url),
        lambda: make_cohort(4, 1, url),
    ):
        with pytest.raises(InputError, match="got a URL; nothing is downloaded"):
            call()


@pytest.mark.parametrize("path", ["t2.nii.gz", "a/b:c/d", "T2: sagittal.nii", "/data/x", b"raw"])
def test_paths_are_taken(path):
    expected = Path(path.decode() if isinstance(path, bytes) else path)
    assert local_path(path) == expected


def test_what_is_there_is_no_url(tmp_path, monkeypatch):
    (tmp_path / "s3:").mkdir()
    (tmp_path / "s3:" / "t2.nii").touch()
    monkeypatch.chdir(tmp_path)
    assert local_path("s3://t2.nii") == Path("s3:/t2.nii")
