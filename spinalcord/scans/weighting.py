"""Determine the contrast of a series from its tags."""

from __future__ import annotations

import re
from typing import Any


def find_weighting(tags: dict[str, Any], *, several_echoes: bool = False) -> str:
    """Return the contrast, from the descriptions first, then from the sequence and its times.

    Parameters
    ----------
    tags : dict
        As in `Header`.
    several_echoes : bool
        One of several echoes with one description, which then says little: times come first.

    Returns
    -------
    str
        'T2', 'STIR', 'FLAIR', 'T1', 'PD', 'T2*', 'EPI', 'map' (a quantitative one) or 'unknown'.
    """
    kinds = " ".join(tags.get("image_type", ())[2:]).lower()
    names = " ".join(
        str(tags.get(key, "")) for key in ("description", "protocol", "contrast")
    ).lower()
    sequence = f"{tags.get('sequence_name', '')} {tags.get('pulse_sequence', '')}".lower()
    scanning = set(tags.get("scanning_sequence", ()))
    diffusion = r"(?<![a-z])(epi?2?d?|dwi|dti|bold|fmri|adc|diff\w*|perf\w*)(?![a-z])"
    if (
        "EP" in scanning
        or re.search(diffusion, f"{names} {kinds}")
        or re.search(r"ep2d|epfid|epse", sequence)
    ):
        return "EPI"
    if re.search(r"map(?![a-z])", f"{names} {kinds}"):
        return "map"
    if re.search(r"t2\s?\*|t2[ _-]?star|(?<![a-z])t2s(?![a-z])|medic|merge|swi(?![a-z])", names):
        return "T2*"
    for word, name in (("flair", "FLAIR"), ("stir", "STIR"), ("tirm", "STIR")):
        if word in names or word in sequence:
            return name
    by_times = _by_times(tags, scanning)
    if several_echoes and by_times != "unknown":
        return by_times
    for text in (names, kinds):
        found = {
            name
            for name, pattern in (("T1", r"t1"), ("T2", r"t2"), ("PD", r"(?<![a-z])pd"))
            if re.search(pattern + r"(?!\d)", text)
        }
        if len(found) == 1:
            return found.pop()
    return by_times


def _by_times(tags: dict[str, Any], scanning: set[str]) -> str:
    shared = (tags.get("shared") or [{}])[0]
    first = (tags.get("per_frame") or [{}])[0]

    def time(name: str, macro: str) -> float | None:
        for level in (first, shared):
            for item in level.get(macro, []):
                if name in item:
                    return float(item[name])
        return tags.get(name)

    tr, te = time("tr_ms", "timing"), time("te_ms", "echo")
    if tr is None or te is None:
        return "unknown"
    if "GR" in scanning and "SE" not in scanning:
        return "T1" if te < 15 and tr < 3000 else "T2*"
    if tr >= 1500 and te >= 60:
        return "T2"
    if te < 40:
        return "T1" if tr < 1200 else "PD"
    return "unknown"
