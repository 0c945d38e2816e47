"""Where every figure comes from."""

from __future__ import annotations

import hashlib

from report import cohorts

from spinalcord import Cohort
from spinalcord.report.trace import plate_n, trace_table


def test_source_files_have_their_checksum(tmp_path):
    models = [{"role": "ms_vs_nmosd", "name": "m", "version": "2"}]
    folder = cohorts.write_run(tmp_path / "run", cohorts.drawn(40), description={"models": models})
    cohort = Cohort(folder)
    rows = {r["what"]: r for r in trace_table(cohort, {}, "1.0").rows}
    digest = hashlib.sha256((folder / "cases.tsv").read_bytes()).hexdigest()
    assert rows["source cases.tsv"]["value"] == f"sha256 {digest}"
    assert rows["threshold, MS or NMOSD"] == {
        "what": "threshold, MS or NMOSD", "value": "0.5", "origin": "the model file m 2",
    }  # fmt: skip
    assert "seed 0, 2000 replicates" in rows["bootstrap"]["value"]


def traced(folder, **description):
    written = cohorts.write_run(folder, cohorts.drawn(20), description=description)
    return {r["what"]: r for r in trace_table(Cohort(written), {}, "1.0").rows}


def test_the_origin_that_the_model_file_states(tmp_path):
    model = {"role": "ms_vs_nmosd", "name": "m", "version": "2", "threshold": 0.5}
    model["threshold_from"] = "validation, Youden"
    rows = traced(tmp_path / "run", models=[model])
    origin = "the model file m 2: chosen on validation, Youden"
    assert rows["threshold, MS or NMOSD"]["origin"] == origin


def test_a_threshold_that_is_not_the_model_s_is_the_user_s(tmp_path):
    rows = traced(tmp_path / "run", models=[{"role": "ms_vs_nmosd", "threshold": 0.44}])
    assert rows["threshold, MS or NMOSD"]["value"] == "0.5"
    assert rows["threshold, MS or NMOSD"]["origin"].startswith("given in the cohort's column")


def test_lesion_threshold_given_for_the_run_or_the_model_s(tmp_path):
    model = {"role": "segmentation", "name": "s", "version": "3", "threshold": 0.8}
    own = traced(tmp_path / "own", models=[model], settings={"threshold": None})
    assert own["threshold, lesion"]["value"] == "0.8"
    assert own["threshold, lesion"]["origin"] == "the model file s 3"
    given = traced(tmp_path / "given", models=[model], settings={"threshold": 0.4})
    assert given["threshold, lesion"]["value"] == "0.4"
    assert given["threshold, lesion"]["origin"] == "given for the run"
    assert "threshold, lesion" not in traced(tmp_path / "neither")


def test_a_table_in_memory_and_a_file(tmp_path):
    rows = {r["what"]: r for r in trace_table(Cohort(cohorts.drawn(20)), {}, "1").rows}
    assert rows["source"]["value"] == "a dict in memory"
    assert "does not say how" in rows["threshold, MS or NMOSD"]["origin"]
    path = tmp_path / "a.csv"
    path.write_text("case_id,reference_diagnosis,ms_vs_nmosd_probability\na,MS,0.2\nb,NMOSD,0.9\n")
    rows = {r["what"]: r for r in trace_table(Cohort(path), {}, "1").rows}
    assert "source a.csv" in rows
    assert rows["threshold, MS or NMOSD"]["value"] == "0.5"


def test_n_of_tables_and_figures():
    cohort = Cohort(cohorts.drawn(40))
    table = cohort.table("table2")
    rows = {r["origin"]: r for r in trace_table(cohort, {"table2": table}, "1").rows}
    sizes = [row["n"] for row in table.rows if row["n"]]
    assert rows["table2.csv"]["value"] == f"{min(sizes)} to {max(sizes)}, by figure"
    assert plate_n(cohort, "roc").startswith("n = 40 (tumor or demyelination), 20 (")
    assert plate_n(cohort, "dice") == "n = 40"
    assert plate_n(cohort, "flow") == ""
