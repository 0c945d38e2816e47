"""Find, check, describe and open model files."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .folder import (
        ROLES,
        WEIGHTS_DIR,
        ModelFolder,
        find_models,
        list_models,
        model_files,
        verify_model,
        verify_models,
        write_random,
    )

__all__ = [
    "ROLES",
    "WEIGHTS_DIR",
    "ModelFolder",
    "find_models",
    "list_models",
    "model_files",
    "verify_model",
    "verify_models",
    "write_random",
]


def __getattr__(name: str) -> Any:
    # NumPy and the core are imported when a model is first asked for.
    if name in __all__:
        return getattr(importlib.import_module(".folder", __name__), name)
    raise AttributeError(f"module 'spinalcord.models' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
