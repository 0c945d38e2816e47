"""A Dask cluster of processes, for the tests of runs and of trainings."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def cluster(request):
    distributed = pytest.importorskip("distributed")
    # Workers cannot import tests: what is sent from here goes as it is.
    pytest.importorskip("cloudpickle").register_pickle_by_value(request.module)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client
