"""Distribution functions against SciPy, and where SciPy is not needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from spinalcord.stats import distributions as d


@pytest.mark.parametrize("df", [1, 2, 3, 4, 7, 10, 31])
@pytest.mark.parametrize("x", [1e-3, 0.5, 3.84, 20.0, 200.0])
def test_chi2(x, df):
    stats = pytest.importorskip("scipy.stats")
    assert d.chi2_p(x, df) == pytest.approx(stats.chi2.sf(x, df), rel=1e-10)


def test_chi2_of_nothing_is_1():
    assert d.chi2_p(0.0, 3) == 1.0


def test_normal():
    assert d.normal_quantile(0.95) == pytest.approx(1.959963984540054, abs=1e-14)
    assert d.normal_p(1.959963984540054) == pytest.approx(0.05, abs=1e-14)
    assert d.normal_p(-1.959963984540054) == d.normal_p(1.959963984540054)
    assert d.normal_p(0.0) == 1.0


def test_sign_test():
    assert d.sign_test_p(1, 7) == 0.0703125
    assert d.sign_test_p(1, 7, mid=True) == 0.0390625
    assert d.sign_test_p(7, 1) == 0.0703125
    assert d.sign_test_p(0, 0) == 1.0
    assert d.sign_test_p(5, 5) == 1.0
    assert d.sign_test_p(150, 86) == pytest.approx(3.716e-5, rel=1e-3)
    assert d.sign_test_p(2000, 2001) == 1.0  # 2**4001 is beyond a float


@pytest.mark.parametrize("table", [(3, 1, 1, 3), (38, 2, 112, 5), (0, 5, 4, 1), (10, 0, 0, 12)])
def test_fisher(table):
    stats = pytest.importorskip("scipy.stats")
    a, b, c, e = table
    assert d.fisher_p(*table) == pytest.approx(stats.fisher_exact([[a, b], [c, e]])[1], rel=1e-10)


def test_quantiles_from_scipy():
    stats = pytest.importorskip("scipy.stats")
    assert d.beta_quantile(0.025, 3, 5) == pytest.approx(stats.beta.ppf(0.025, 3, 5), rel=1e-12)
    assert d.t_quantile(0.95, 7.5) == pytest.approx(stats.t.ppf(0.975, 7.5), rel=1e-12)
    assert d.f_p(4.4, 1, 15.07) == pytest.approx(stats.f.sf(4.4, 1, 15.07), rel=1e-12)


def test_without_scipy_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(ImportError, match=r"spinalcord\[stats\]"):
        d.beta_quantile(0.5, 1, 1)


def test_importing_stats_imports_nothing_heavy():
    code = "import sys, spinalcord.stats; print([m for m in ('scipy', 'pandas', 'nibabel', "
    code += "'SimpleITK', 'matplotlib', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("df", [1, 2, 3, 4, 9, 10, 77, 500, 9999, 20_000, 2.5])
def test_student_s_quantile(df):
    stats = pytest.importorskip("scipy.stats")
    for level in (0.5, 0.9, 0.95, 0.999):
        assert d.t_quantile(level, df) == pytest.approx(stats.t.ppf(0.5 + level / 2, df), rel=1e-7)
