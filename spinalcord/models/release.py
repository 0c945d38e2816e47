"""Write the checksums of a folder of models: ``python -m spinalcord.models.release FOLDER``.

Each model in the folder is verified in full. Without an argument, the package's own folder.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from ..errors import ModelError, SpinalcordError
from .checksums import SCALES, SUMS, save_sums
from .folder import WEIGHTS_DIR, model_files, verify_models
from .model_file import read_model


def write_sums(folder: Path) -> Path:
    """List the checksums of a folder's models, then verify each of them in full.

    Parameters
    ----------
    folder : pathlib.Path
        The folder; an existing list is replaced.

    Returns
    -------
    pathlib.Path
        The list.

    Raises
    ------
    ModelError
        No such folder, no model in it, files for one role that make no ensemble, or a damaged one;
        no list is left.
    InputError
        A place that cannot be written.
    """
    path = folder / SUMS
    path.unlink(missing_ok=True)
    models = [read_model(file) for file in model_files(folder)]
    if models:
        sums = {model.path.name: model.sha256 for model in models}
        if (folder / SCALES).is_file():
            sums[SCALES] = hashlib.sha256((folder / SCALES).read_bytes()).hexdigest()
        save_sums(folder, sums)
    try:
        verify_models(folder)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def main(arguments: list[str]) -> int:
    """Write the list for the given folder, or for the package's own models."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        print("usage: python -m spinalcord.models.release [FOLDER]", file=sys.stderr)
        return 2
    try:
        path = write_sums(Path(arguments[0]) if arguments else WEIGHTS_DIR)
    except SpinalcordError as error:
        print(f"spinalcord: error: {error}", file=sys.stderr)
        return 3 if isinstance(error, ModelError) else 4
    print(path.read_text(encoding="utf-8"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
