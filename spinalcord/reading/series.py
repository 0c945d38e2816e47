"""DICOM series: what is in a folder, which of it can be used, and which one is meant.

The choice, in this order, among series that form a usable volume: sagittal T2-weighted;
sagittal STIR or FLAIR; T2-weighted in another plane at isotropic resolution; sagittal of
unknown weighting; the rest.  Two in the best class are never guessed between.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SeriesError
from .header import Header
from .stack import Stack, build_stack, frames_of

_MR_CLASSES = "1.2.840.10008.5.1.4.1.1.4"
# What stores something other than an image of the body (PS3.4, annex B.5).
_NOT_IMAGES = {
    "1.2.840.10008.5.1.4.1.1.4.2": "MR spectroscopy",
    "1.2.840.10008.5.1.4.1.1.11": "a presentation state",
    "1.2.840.10008.5.1.4.1.1.30": "a parametric map",
    "1.2.840.10008.5.1.4.1.1.66": "registration, raw data or a segmentation",
    "1.2.840.10008.5.1.4.1.1.88": "a structured report",
    "1.2.840.10008.5.1.4.1.1.104": "an encapsulated document",
    "1.2.840.10008.5.1.4.1.1.481": "radiotherapy data (plan, dose, structures)",
}
_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
_COLOUR = {"RGB", "PALETTE COLOR", "HSV", "ARGB", "CMYK"}
_LISTED = 20


@dataclass(frozen=True)
class Candidate:
    """One series, or one multi-frame file of it, and whether it can be used.

    Attributes
    ----------
    uid, description : str
    headers : tuple of Header
    stack : Stack
    weighting : str
        'T2', 'STIR', 'FLAIR', 'T1', 'PD', 'T2*', 'EPI' or 'unknown'.
    reasons, notes : tuple of str
        Why not; what to warn of.
    """

    uid: str
    description: str
    headers: tuple[Header, ...]
    stack: Stack
    weighting: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def rank(self) -> int:
        """0 for sagittal T2-weighted, and up."""
        sagittal = self.stack.plane == "sagittal"
        if self.weighting == "T2":
            return 0 if sagittal else 2
        if not sagittal:
            return 4
        return {"STIR": 1, "FLAIR": 1, "unknown": 3}.get(self.weighting, 4)

    def __str__(self) -> str:
        name = f" {self.description!r}" if self.description else ""
        file = f" ({self.headers[0].path.name})" if len(self.headers) == 1 else ""
        return (
            f"{self.uid}{name}{file}, {self.stack.plane}, {len(self.stack.frames)} slices, "
            f"weighting {self.weighting}"
        )


def group_series(headers: Iterable[Header]) -> list[Candidate]:
    """Sort headers into series; each multi-frame file stands alone.

    Parameters
    ----------
    headers : iterable of Header
        Those without a SeriesInstanceUID are left out.

    Returns
    -------
    list of Candidate
        Usable or not, in the order of their UIDs and file names.
    """
    groups: dict[tuple[str, str], list[Header]] = {}
    for header in headers:
        uid = header.tags.get("series_uid")
        if uid:
            alone = str(header.path) if is_multiframe(header) else ""
            groups.setdefault((uid, alone), []).append(header)
    return [_examine(uid, groups[uid, alone]) for uid, alone in sorted(groups)]


def is_multiframe(header: Header) -> bool:
    """Tell whether one file holds several frames."""
    return header.tags.get("n_frames", 1) > 1 or "per_frame" in header.tags


def _examine(uid: str, headers: list[Header]) -> Candidate:
    headers = sorted(headers, key=lambda h: str(h.path))
    unique: dict[str, Header] = {}
    for header in headers:
        unique.setdefault(header.tags.get("sop_uid", str(header.path)), header)
    notes = []
    if len(unique) < len(headers):
        notes.append(f"{len(headers) - len(unique)} file(s) are copies of others and were left out")
    headers = list(unique.values())
    reasons = _content_reasons(headers)
    stack = build_stack([frame for header in headers for frame in frames_of(header)])
    tags = headers[0].tags
    if is_multiframe(headers[0]):
        n_frames, n_placed = int(tags.get("n_frames", 1)), len(tags.get("per_frame", []))
        if n_placed != n_frames:
            groups = f"{n_placed} functional groups" if n_placed else "no functional groups"
            reasons.append(f"{n_frames} frames, but {groups} to say where they lie")
    return Candidate(
        uid,
        tags.get("description", ""),
        tuple(headers),
        stack,
        _weighting(tags),
        tuple(dict.fromkeys([*reasons, *stack.reasons])),
        (*notes, *stack.notes),
    )


def _content_reasons(headers: list[Header]) -> list[str]:
    """Say why the content of these files is not a usable stack of MR images."""
    reasons = []
    tags = headers[0].tags
    sop_class = tags.get("sop_class", "")
    for prefix, name in _NOT_IMAGES.items():
        if sop_class == prefix or sop_class.startswith(prefix + "."):
            name = "a segmentation" if sop_class.startswith(_SEGMENTATION) else name
            return [f"not an image but {name}"]
    if not all(header.has_pixels for header in headers):
        return ["no pixel data"]
    modality = tags.get("modality", "unknown")
    if modality != "MR":
        reasons.append(f"modality {modality}; MR is expected")
    photometric = {header.tags.get("photometric", "") for header in headers}
    if any(h.tags.get("samples", 1) != 1 for h in headers) or photometric & _COLOUR:
        reasons.append(f"colour ({', '.join(sorted(photometric))})")
    elif "MONOCHROME1" in photometric:
        reasons.append("inverted grey values (MONOCHROME1)")
    kinds = {part.upper() for header in headers for part in header.tags.get("image_type", ())}
    if "MOSAIC" in kinds:
        reasons.append("a mosaic (many slices tiled into one image)")
    text = f"{tags.get('description', '')} {tags.get('protocol', '')}".lower()
    if "LOCALIZER" in kinds or re.search(r"locali[sz]er|scout|survey|(?<![a-z])loc(?![a-z])", text):
        reasons.append("a localizer")
    if len({(h.tags.get("rows"), h.tags.get("columns")) for h in headers}) > 1:
        reasons.append("mixed image sizes")
    for header in headers:
        if header.missing_nbytes:
            reasons.append(f"{header.path.name} is truncated by {header.missing_nbytes} bytes")
            break
    return reasons


def _weighting(tags: dict[str, Any]) -> str:
    """Name the contrast from descriptions first, then from the sequence and its times."""
    kinds = " ".join(tags.get("image_type", ())[2:]).lower()
    names = " ".join(
        str(tags.get(key, "")) for key in ("description", "protocol", "contrast")
    ).lower()
    sequence = f"{tags.get('sequence_name', '')} {tags.get('pulse_sequence', '')}".lower()
    scanning = set(tags.get("scanning_sequence", ()))
    if (
        "EP" in scanning
        or re.search(
            r"(?<![a-z])(epi?2?d?|dwi|dti|bold|fmri|adc|diff\w*|perf\w*)(?![a-z])",
            f"{names} {kinds}",
        )
        or re.search(r"ep2d|epfid|epse", sequence)
    ):
        return "EPI"
    if re.search(r"t2\s?\*|t2[ _-]?star|(?<![a-z])t2s(?![a-z])|medic|merge|swi(?![a-z])", names):
        return "T2*"
    for word, name in (("flair", "FLAIR"), ("stir", "STIR"), ("tirm", "STIR")):
        if word in names or word in sequence:
            return name
    found = {
        name
        for name, pattern in (("T1", r"t1"), ("T2", r"t2"), ("PD", r"(?<![a-z])pd"))
        if re.search(pattern + r"(?!\d)", names)
    }
    if len(found) == 1:
        return found.pop()
    return _weighting_by_times(tags, scanning)


def _weighting_by_times(tags: dict[str, Any], scanning: set[str]) -> str:
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


def choose(candidates: list[Candidate], path: Path, series: str | None) -> Candidate:
    """Pick the series that is meant.

    Parameters
    ----------
    candidates : list of Candidate
        At least one.
    path : Path
        What the user named; for messages.
    series : str, optional
        SeriesInstanceUID.

    Returns
    -------
    Candidate

    Raises
    ------
    SeriesError
        None can be used, several are as good, or no series has this UID.
    """
    if series is not None:
        named = [c for c in candidates if c.uid == series]
        if not named:
            raise SeriesError(
                f"{path}: no series has the UID {series}; there are:{_listing(candidates)}"
            )
        candidates = named
    usable = [c for c in candidates if not c.reasons]
    if not usable:
        raise SeriesError(f"{path}: no usable series:{_listing(candidates)}")
    best = min(c.rank for c in usable)
    first = [c for c in usable if c.rank == best]
    if len(first) > 1:
        same = len({c.uid for c in first}) == 1
        how = "pass one of these files" if same else "pass series=UID"
        raise SeriesError(f"{path}: several series could be meant, {how}:{_listing(first)}")
    return first[0]


def _listing(candidates: list[Candidate]) -> str:
    lines = []
    for candidate in candidates[:_LISTED]:
        why = f": {'; '.join(candidate.reasons)}" if candidate.reasons else ""
        lines.append(f"\n  {candidate}{why}")
    if len(candidates) > _LISTED:
        lines.append(f"\n  and {len(candidates) - _LISTED} more")
    return "".join(lines)
