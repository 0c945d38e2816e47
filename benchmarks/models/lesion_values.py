"""Compute numbers that describe the drawn lesions of a case, for `spinalcord train --auxiliary`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

VALUES = (
    "eccentricity", "section_share", "margin_mm", "swelling", "log_length", "cysts", "log_number",
)  # fmt: skip
"""Columns that `lesion_values` gives."""

NOT_SOLID = ("cyst", "syrinx", "blood", "bright_spot", "oedema")
MOST_CYSTS = 3


def lesion_values(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Describe the visible lesions of a phantom or an insertion.

    Parameters
    ----------
    parameters : mapping
        As a phantom's and an insertion's own.

    Returns
    -------
    dict of str to str
        For each of `VALUES` a number of four decimals, or nothing where no lesion is visible.  Of
        the longest lesion's solid parts, weighted by length: distance of the centre from the cord's
        axis and product of the half axes, both as shares of the cord's; softness of the margin.
        Its swelling; logarithm of the length (mm) of all lesions and of their number; number of
        cysts and syringes, at most three.
    """
    lesions = [one for one in parameters["lesions"] if one["visible"] and one["parts"]]
    if not lesions:
        return dict.fromkeys(VALUES, "")
    main = max(lesions, key=lambda one: one["length_mm"])
    solid = [part for part in main["parts"] if part["tissue"] not in NOT_SOLID] or main["parts"]
    cysts = sum(p["tissue"] in ("cyst", "syrinx") for one in lesions for p in one["parts"])
    values = (
        _mean(solid, lambda part: np.hypot(part["u"], part["v"])),
        _mean(solid, lambda part: part["ru"] * part["rv"]),
        _mean(solid, lambda part: part["margin_mm"]),
        main["swelling"],
        np.log(sum(one["length_mm"] for one in lesions)),
        min(cysts, MOST_CYSTS),
        np.log(len(lesions)),
    )
    return {name: f"{value:.4f}" for name, value in zip(VALUES, values, strict=True)}


def _mean(parts: list[dict[str, Any]], of: Callable[[dict[str, Any]], float]) -> float:
    lengths = [part["length_mm"] for part in parts]
    return float(np.average([of(part) for part in parts], weights=lengths))
