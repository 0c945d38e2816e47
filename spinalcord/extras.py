"""Import optional dependencies on demand; an error names the missing extra."""

from __future__ import annotations

import importlib
from typing import Any

from .errors import InputError


class MissingExtraError(InputError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it.

    It is an `InputError`, as every refusal of the package, and an `ImportError`, as Python's own.
    """


def require(module: str, extra: str, what: str, *, instead: str = "") -> Any:
    """Import a module of an optional dependency.

    Parameters
    ----------
    module : str
        Such as ``"matplotlib.figure"``.
    extra : str
        The extra of this package that brings it, such as ``"report"``.
    what : str
        The feature that needs it, as known to users.
    instead : str, optional
        An alternative that does not need it.

    Returns
    -------
    module

    Raises
    ------
    MissingExtraError
        It is not installed.

    Examples
    --------
    >>> require("json", "report", "a test").dumps([1])
    '[1]'
    """
    package = module.partition(".")[0]
    try:
        importlib.import_module(package)  # a part of it may be loaded although it is gone
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{what} needs {package}, which is not installed: "
            f"pip install 'spinalcord[{extra}]'{instead and f', or use {instead}'}"
        ) from error
