"""Find the DICOM series in a folder, and choose a usable one.

The choice, in this order, among series that form a usable volume: sagittal T2-weighted;
sagittal STIR or FLAIR; T2-weighted in another plane at isotropic resolution; sagittal of
unknown weighting; the rest.  If two are in the best class, none is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import SeriesError
from ..wording import counted
from .header import Header
from .stack import Frame, Stack, build_stack, frames_of
from .weighting import find_weighting

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
_SAVED = {"SCREEN SAVE", "SCREENSAVE", "SCREENSHOT"}
_LOCALIZER = r"locali[sz]er|scout|survey|pilot|(?<![a-z])loc(?![a-z])"
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
        See `find_weighting`.
    reasons, notes : tuple of str
        Reasons why it cannot be used; warnings.
    part : str
        Which of several images per position; see `group_series`.
    """

    uid: str
    description: str
    headers: tuple[Header, ...]
    stack: Stack
    weighting: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    part: str = ""

    @property
    def rank(self) -> int:
        """Return 0 for sagittal T2-weighted, larger numbers for others."""
        sagittal = self.stack.plane == "sagittal"
        if self.weighting == "T2":
            return 0 if sagittal else 2
        if not sagittal:
            return 4
        return {"STIR": 1, "FLAIR": 1, "unknown": 3}.get(self.weighting, 4)

    def __str__(self) -> str:
        name = f" {self.description!r}" if self.description else ""
        file = f" ({self.headers[0].path.name})" if len(self.headers) == 1 else ""
        part = f" ({self.part})" if self.part else ""
        slices = counted(len(self.stack.frames), "slice")
        return (
            f"{self.uid}{name}{file}{part}, {self.stack.plane}, {slices}, "
            f"weighting {self.weighting}"
        )


def group_series(headers: Iterable[Header]) -> list[Candidate]:
    """Group headers by series; each multi-frame file is a group of its own.

    A series with several images at each position (echoes; water, fat and in-phase) falls
    into parts by echo time and image type, if each part then is a stack; the UIDs of parts end in
    ``#1``, ``#2`` and so on.

    Parameters
    ----------
    headers : iterable of Header
        Those without a SeriesInstanceUID are ignored.

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
    found = []
    for uid, alone in sorted(groups):
        whole = _without_strays(uid, _examine(uid, groups[uid, alone]))
        found += _split(whole) if whole.stack.crowded else [whole]
    return found


def _without_strays(uid: str, whole: Candidate) -> Candidate:
    """Exclude localizers, screen saves and images without position if the rest is a sound stack."""
    strays = [header for header in whole.headers if _stray(header)]
    if not whole.reasons or not 0 < len(strays) < len(whole.headers):
        return whole
    rest = _examine(uid, [header for header in whole.headers if header not in strays])
    if rest.reasons:
        return whole
    what = ", ".join(sorted({_stray(header) for header in strays}))
    note = f"{len(strays)} of {len(whole.headers)} images of the series were excluded: {what}"
    return replace(rest, notes=(*whole.notes, note, *rest.notes))


def _stray(header: Header) -> str:
    """Return why an image cannot belong to a stack; empty if it may."""
    kinds = {part.upper() for part in header.tags.get("image_type", ())}
    if "LOCALIZER" in kinds:
        return "localizer"
    if kinds & _SAVED:
        return "screen save"
    if is_multiframe(header) or {"position", "orientation"} <= header.tags.keys():
        return ""
    return "image without position and orientation"


def is_multiframe(header: Header) -> bool:
    """Return whether a file contains several frames."""
    return int(header.tags.get("n_frames", 1)) > 1


def _examine(uid: str, headers: list[Header]) -> Candidate:
    headers = sorted(headers, key=lambda h: str(h.path))
    unique: dict[object, Header] = {}
    for header in headers:
        # With the position, since some anonymisers give all images of a series the same UID.
        key = header.tags.get("sop_uid", str(header.path)), header.tags.get("position")
        unique.setdefault(key, header)
    notes = []
    if len(unique) < len(headers):
        notes.append(f"{len(headers) - len(unique)} file(s) are copies of others and were ignored")
    headers = list(unique.values())
    reasons = _content_reasons(headers)
    stack = build_stack([frame for header in headers for frame in frames_of(header)])
    tags = headers[0].tags
    n_frames, n_placed = int(tags.get("n_frames", 1)), len(tags.get("per_frame", []))
    if n_frames > 1 and n_placed != n_frames:
        groups = f"{n_placed} functional groups" if n_placed else "no functional groups"
        reasons.append(f"{n_frames} frames, but {groups} to say where they lie")
    if tags.get("n_parts", 1) > 1:
        reasons.append(f"one of {tags['n_parts']} files that make up one image (a concatenation)")
    return Candidate(
        uid,
        tags.get("description", ""),
        tuple(headers),
        stack,
        find_weighting(tags),
        tuple(dict.fromkeys([*reasons, *stack.reasons])),
        (*notes, *stack.notes),
    )


def _split(whole: Candidate) -> list[Candidate]:
    """Split a series with several images per position by echo time and image type."""
    parts: dict[tuple[float, tuple[str, ...]], list[Frame]] = {}
    for frame in whole.stack.frames:
        parts.setdefault((frame.te_ms or 0.0, frame.image_type), []).append(frame)
    stacks = {key: build_stack(parts[key]) for key in sorted(parts)}
    if len(parts) < 2 or any(stack.crowded for stack in stacks.values()):
        return [whole]
    found = []
    others = [reason for reason in whole.reasons if reason not in whole.stack.reasons]
    for number, ((te_ms, image_type), stack) in enumerate(stacks.items(), 1):
        paths = {frame.path for frame in stack.frames}
        headers = tuple(header for header in whole.headers if header.path in paths)
        tags = {**headers[0].tags, "te_ms": te_ms, "image_type": image_type}
        # Each part has its own echo time, which the frames' groups would contradict.
        tags.pop("per_frame", None)
        found.append(
            Candidate(
                f"{whole.uid}#{number}",
                whole.description,
                headers,
                stack,
                find_weighting(tags, several_echoes=len({te for te, _ in parts}) > 1),
                tuple(dict.fromkeys([*others, *stack.reasons])),
                (*whole.notes, *stack.notes),
                f"TE {te_ms:g} ms, {'/'.join(image_type[2:]) or 'no image type'}",
            )
        )
    return found


def _content_reasons(headers: list[Header]) -> list[str]:
    """Return the reasons why these files are not a usable stack of MR images."""
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
    if "LOCALIZER" in kinds or re.search(_LOCALIZER, text):
        reasons.append("a localizer")
    if len({(h.tags.get("rows"), h.tags.get("columns")) for h in headers}) > 1:
        reasons.append("mixed image sizes")
    for header in headers:
        if header.missing_nbytes:
            reasons.append(f"{header.path.name} is truncated by {header.missing_nbytes} bytes")
            break
    return reasons


def choose(candidates: list[Candidate], path: Path, series: str | None) -> Candidate:
    """Choose the series to read.

    Parameters
    ----------
    candidates : list of Candidate
        At least one.
    path : Path
        Path given by the user, for messages.
    series : str, optional
        SeriesInstanceUID.

    Returns
    -------
    Candidate

    Raises
    ------
    SeriesError
        None can be used, several are equally suitable, or none has this UID.
    """
    if series is not None:
        named = [c for c in candidates if series in (c.uid, c.uid.partition("#")[0])]
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
        uids = {c.uid for c in first}
        how = "pass series=UID" if len(uids) == len(first) else "pass one of these files"
        raise SeriesError(f"{path}: several series are possible, {how}:{_listing(first)}")
    return first[0]


def _listing(candidates: list[Candidate]) -> str:
    lines = []
    for candidate in candidates[:_LISTED]:
        why = f": {'; '.join(candidate.reasons)}" if candidate.reasons else ""
        lines.append(f"\n  {candidate}{why}")
    if len(candidates) > _LISTED:
        lines.append(f"\n  and {len(candidates) - _LISTED} more")
    return "".join(lines)
