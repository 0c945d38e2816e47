"""spinalcord.training.patients: who trains and who validates, patient by patient."""

from __future__ import annotations

from collections import Counter

import pytest

from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.training.patients import list_cases


def table(folder, rows, header="case_id,path,mask,diagnosis,split,participant_id,cord"):
    path = folder / "cases.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_bids_cohort(bids):
    cases, origin = list_cases(bids, "segmentation")
    assert origin == "cohort"
    assert Counter(c.split for c in cases) == {"train": 9, "validation": 4}
    assert sum(c.cord is not None for c in cases) == 7
    assert all(c.mask.endswith("lesion_mask.nii.gz") for c in cases)
    ms, _ = list_cases(bids, "ms_vs_nmosd")
    assert Counter((c.diagnosis, c.split) for c in ms) == {
        ("MS", "train"): 2, ("MS", "validation"): 1,
        ("NMOSD", "train"): 2, ("NMOSD", "validation"): 1,
    }  # fmt: skip


def test_a_table_with_cord_masks(tmp_path):
    path = table(tmp_path, [
        "a,a.nii,a_m.nii,ms,train,p1,a_c.nii",
        "b,b.nii,b_m.nii,nmosd,TRAINING,p2,",
        "c,c.nii,c_m.nii,MS,val,p3,",
        "d,d.nii,d_m.nii,NMOSD,valid,p4,",
    ])  # fmt: skip
    cases, _ = list_cases(path, "ms_vs_nmosd")
    assert [c.split for c in cases] == ["train", "train", "validation", "validation"]
    assert [c.diagnosis for c in cases] == ["MS", "NMOSD", "MS", "NMOSD"]
    assert cases[0].cord == str(tmp_path / "a_c.nii")
    assert cases[1].cord is None


def test_a_class_that_is_missing_is_named(tmp_path):
    rows = ["a,a.nii,a_m.nii,MS,train,,", "b,b.nii,b_m.nii,NMOSD,train,,",
            "c,c.nii,c_m.nii,MS,validation,,"]  # fmt: skip
    with pytest.raises(InputError, match="validation with diagnosis NMOSD"):
        list_cases(table(tmp_path, rows), "ms_vs_nmosd")
    with pytest.raises(InputError, match="no case of split validation"):
        list_cases(table(tmp_path, rows[:2]), "segmentation")


def test_cases_without_mask_are_left_out_with_a_word(tmp_path):
    rows = ["a,a.nii,a_m.nii,MS,train,,", "b,b.nii,,MS,train,,", "c,c.nii,c_m.nii,MS,val,,"]
    with pytest.warns(SpinalcordWarning, match="1 of 3 cases have no lesion mask"):
        cases, _ = list_cases(table(tmp_path, rows), "segmentation")
    assert [c.case_id for c in cases] == ["a", "c"]


def test_a_word_that_is_not_known_is_refused_with_how_many(tmp_path):
    rows = ["a,a.nii,a_m.nii,M.S.,train,,", "b,b.nii,b_m.nii,NMOSD,train,,",
            "c,c.nii,c_m.nii,M.S.,val,,", "d,d.nii,d_m.nii,ependimoma,val,,",
            "e,e.nii,e_m.nii,MS,train,,", "f,f.nii,f_m.nii,MS,val,,",
            "g,g.nii,g_m.nii,NMO,val,,"]  # fmt: skip
    path = table(tmp_path, rows)
    with (
        pytest.warns(SpinalcordWarning, match="unknown word, which counts as missing"),
        pytest.raises(InputError, match=r"3 of 7 cases .*'M\.S\.' \(2\), 'ependimoma' \(1\)"),
    ):
        list_cases(path, "ms_vs_nmosd")
    words = {"diagnosis": {"M.S.": "MS", "ependimoma": "ependymoma"}}
    with pytest.warns(SpinalcordWarning, match=r"1 of 7 cases have another .*'ependymoma' \(1\)"):
        cases, _ = list_cases(path, "ms_vs_nmosd", words=words)
    assert [c.diagnosis for c in cases] == ["MS", "NMOSD", "MS", "MS", "MS", "NMOSD"]
    # What a segmentation is trained on does not depend on diagnoses.
    with pytest.warns(SpinalcordWarning, match="unknown word"):
        assert len(list_cases(path, "segmentation")[0]) == 7


def test_a_patient_has_one_diagnosis(tmp_path):
    rows = ["a,a.nii,a_m.nii,MS,train,p1,", "b,b.nii,b_m.nii,NMOSD,train,p1,",
            "c,c.nii,c_m.nii,MS,val,p2,"]  # fmt: skip
    for target in ("ms_vs_nmosd", "segmentation"):
        with (
            pytest.warns(SpinalcordWarning, match="1 participants have more than one diagnosis"),
            pytest.raises(InputError, match="participant p1 has the diagnoses MS and NMOSD"),
        ):
            list_cases(table(tmp_path, rows), target)


def test_a_column_twice_and_columns_of_other_names(tmp_path):
    with pytest.raises(InputError, match="line 1: a column twice"):
        list_cases(table(tmp_path, [], "case_id,path,mask,diagnosis,Diagnosis"), "segmentation")
    rows = ["a,a.nii,a_m.nii,MS,train", "b,b.nii,b_m.nii,MS,val"]
    path = table(tmp_path, rows, "Case_ID,PATH,Label,dx,Split")
    cases, _ = list_cases(path, "segmentation", columns={"mask": "label", "diagnosis": "DX"})
    assert [c.diagnosis for c in cases] == ["MS", "MS"]


def test_a_group_stays_in_one_split_though_its_patients_differ(tmp_path):
    """Lesions put into one person's scan: patients of their own, who share the scan."""
    header = "case_id,path,mask,diagnosis,split,participant_id,Group"
    rows = ["a,a.nii,a_m.nii,MS,train,a,h1", "b,b.nii,b_m.nii,NMOSD,train,b,h1",
            "c,c.nii,c_m.nii,MS,val,c,h2", "d,d.nii,d_m.nii,NMOSD,val,d,h2"]  # fmt: skip
    cases, _ = list_cases(table(tmp_path, rows, header), "ms_vs_nmosd")
    assert [c.group for c in cases] == ["h1", "h1", "h2", "h2"]
    rows[1] = rows[1].replace("train", "val")
    with pytest.raises(InputError, match="group h1 is in the splits train and validation"):
        list_cases(table(tmp_path, rows, header), "ms_vs_nmosd")
