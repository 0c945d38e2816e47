"""Limits that define a lesion: thresholds, ranges, defaults and help.

Everything that sets or reads one of them goes through here: `spinalcord.segment`, a cohort's run,
the command line, and the settings of a model file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from .errors import InputError

MOST: Mapping[str, float] = {
    "threshold": 1.0,
    "min_lesion_mm3": 1e9,
    "min_thickness_mm": 1e3,
    "min_peak": 1.0,
    "min_in_cord": 1.0,
}
"""Largest value of each number; the smallest is 0.

Three are probabilities or shares. A volume or a thickness may be larger than any cord, which asks
for no lesion at all; of the two bounds that calls and model files used to have, these are the wider
ones, so that neither refuses what it once took.
"""

HELP: Mapping[str, tuple[str, str]] = {
    "threshold": ("P", "smallest probability of a lesion voxel"),
    "min_peak": ("P", "exclude lesions with a lower peak probability"),
    "min_lesion_mm3": ("V", "exclude smaller lesions"),
    "min_thickness_mm": ("MM", "exclude lesions thinner than this from slice to slice"),
    "min_in_cord": ("SHARE", "exclude lesions with a smaller share, or none, in the cord"),
    "keep_outside_cord": ("", "keep lesions outside the cord, with a warning"),
}
"""Placeholder and help of each option on the command line."""


@dataclass(frozen=True)
class LesionLimits:
    """Thresholds that define a lesion; None for the model file's own values.

    Parameters
    ----------
    threshold : float, optional
        A voxel is lesion where its probability is at least this, from 0 to 1.
    min_lesion_mm3 : float, optional
        Smallest volume of a lesion, from 0 to 1e9.
    min_thickness_mm : float, optional
        Smallest thickness of a lesion from slice to slice, from 0 to 1000.
    min_peak : float, optional
        The largest probability in a lesion is at least this, from 0 to 1.
    min_in_cord : float, optional
        Smallest share of a lesion's voxels that lie in the cord, from 0 to 1.
    keep_outside_cord : bool, optional
        Whether lesions outside the cord are kept, with a warning.

    Raises
    ------
    InputError
        Not a number, or out of range.

    Examples
    --------
    >>> LesionLimits(threshold=0.4, min_lesion_mm3=20).to_dict()["min_lesion_mm3"]
    20.0
    >>> LesionLimits(threshold=40)
    Traceback (most recent call last):
    spinalcord.errors.InputError: threshold is 40, expected a number from 0 to 1
    """

    threshold: float | None = None
    min_lesion_mm3: float | None = None
    min_thickness_mm: float | None = None
    min_peak: float | None = None
    min_in_cord: float | None = None
    keep_outside_cord: bool | None = None

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, check_number(name, value, 0.0, most))
        if self.keep_outside_cord is not None:
            object.__setattr__(self, "keep_outside_cord", bool(self.keep_outside_cord))

    @classmethod
    def take(cls, options: Mapping[str, Any]) -> LesionLimits:
        """Create limits from options, ignoring those that are not limits.

        Parameters
        ----------
        options : mapping of str to object
            Such as the keywords of `spinalcord.segment`, or what a command line was given.

        Returns
        -------
        LesionLimits

        Raises
        ------
        InputError
            As for the class.
        """
        return cls(
            **{each.name: options[each.name] for each in fields(cls) if each.name in options}
        )

    def fill(self, labels: Mapping[str, Any], *, cord: str) -> LesionLimits:
        """Set what is not given to the model file's own values.

        Parameters
        ----------
        labels : mapping
            ``labels`` of a segmentation model's metadata. Limits that it lacks are 0.
        cord : {"given", "network", "none"}
            Source of the cord: a mask given by the user, the network, or none.

        Returns
        -------
        LesionLimits
            Without a cord `min_in_cord` and `keep_outside_cord` are None, and they alone.

        Raises
        ------
        InputError
            `min_in_cord` was given, and no cord is known.
        """
        if cord == "none" and self.min_in_cord is not None:
            raise InputError(
                f"min_in_cord is {self.min_in_cord!r}, but no cord is known: pass a cord mask, or "
                "use a model that outlines the cord"
            )
        values = asdict(self)
        for name in MOST:
            if values[name] is None:
                values[name] = labels.get(name, 0.0)
        if cord == "none":
            values |= {"min_in_cord": None, "keep_outside_cord": None}
        elif self.keep_outside_cord is None:
            # The setting of the model file applies to its own cord, not to a cord mask of the user.
            values["keep_outside_cord"] = cord == "network" and labels.get(
                "keep_outside_cord", False
            )
        return LesionLimits(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, as ``LesionLimits(**values)`` takes them."""
        return asdict(self)


def check_number(name: str, value: Any, least: float, most: float) -> float:
    """Return an option as a float.

    Raises
    ------
    InputError
        No number, NaN, or not between `least` and `most`.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not least <= number <= most:
        raise InputError(f"{name} is {value!r}, expected a number from {least:g} to {most:g}")
    return number
