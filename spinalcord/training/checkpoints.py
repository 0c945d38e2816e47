"""Checkpoints of a training: written atomically, read without executing their contents."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError
from ..scans.writing import write_bytes

LAYOUT = 1


def save_checkpoint(path: str | os.PathLike[str], state: dict[str, Any]) -> Path:
    """Write the state of a training.

    Parameters
    ----------
    path : path
        Replaced once the new file is complete.
    state : dict
        Tensors, numbers, texts, and lists and dicts of these.

    Raises
    ------
    InputError
        A place that cannot be written.
    """
    buffer = io.BytesIO()
    torch.save({**state, "layout": LAYOUT}, buffer)
    return write_bytes(path, buffer.getvalue())


def load_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the state of a training, onto the CPU.

    Raises
    ------
    InputError
        No checkpoint, a damaged one, or one of another version.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise InputError(f"{path} is not a checkpoint of a training, or is damaged") from error
    if not isinstance(state, dict) or state.get("layout") != LAYOUT:
        raise InputError(f"{path} is not a checkpoint of this version")
    return state
