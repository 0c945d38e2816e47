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


def test_the_origin_that_the_model_file_states(tmp_path):
    model = {"role": "ms_vs_nmosd", "threshold_from": "validation, Youden"}
    folder = cohorts.write_run(tmp_path / "run", cohorts.drawn(20), description={"models": [model]})
    rows = {r["what"]: r for r in trace_table(Cohort(folder), {}, "1.0").rows}
    assert rows["threshold, MS or NMOSD"]["origin"] == "validation, Youden"


def test_a_table_in_memory_and_a_file(tmp_path):
    rows = {r["what"]: r for r in trace_table(Cohort(cohorts.drawn(20)), {}, "1").rows}
    assert rows["source"]["value"] == "a dict in memory"
    assert "is not known" in rows["threshold, MS or NMOSD"]["origin"]
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
