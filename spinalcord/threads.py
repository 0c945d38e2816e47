"""Limit the number of threads that libraries start in new processes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

# The first also bounds what the core takes where it is not told a number.
_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)


def thread_limits(count: int) -> dict[str, str]:
    """Return the environment variables that limit a new process to `count` threads."""
    return dict.fromkeys(_VARIABLES, str(count))


@contextlib.contextmanager
def limited_threads(count: int) -> Iterator[None]:
    """Limit processes started in a ``with`` block to `count` threads each; not this process."""
    before = {name: os.environ.get(name) for name in _VARIABLES}
    os.environ.update(thread_limits(count))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
