"""The programs in benchmarks/models, which are no part of the package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[1] / "benchmarks" / "models"


def step(name: str) -> ModuleType:
    """Import a module of benchmarks/models as the programs there do."""
    if str(FOLDER.parent) not in sys.path:
        sys.path.insert(0, str(FOLDER.parent))
    return importlib.import_module(f"models.{name}")
