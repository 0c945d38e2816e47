"""Parse the settings in a model file: strict JSON, with every key that a result depends on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..limits import MOST
from ..tasks import TASKS

FORMAT = 1
"""Version of the `spinalcord` metadata that this package reads and writes."""

FLIPS = ("rows", "columns", "neighbors")
"""Axes that test-time flips may mirror: those of a slice, and the order of its neighbours."""

OLD_STRETCH = "letter"
"""Name of the preparation mode "stretch" in version 0.1, whose files can still be read."""


def parse_json(text: bytes | str, what: str) -> dict[str, Any]:
    """Read one JSON object, strictly: no key twice, no NaN; `what` names it in a ModelError."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ModelError(f"{what} names {twice!r} twice")
        return found

    def refuse(constant: str) -> None:
        raise ModelError(f"{what} contains {constant}, which is not JSON")

    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        value = json.loads(text, object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{what} is not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise ModelError(f"{what} is not a JSON object")
    return value


def is_sizes(value: Any) -> bool:
    """Whether `value` is a JSON array of lengths."""
    return isinstance(value, list) and all(type(v) is int and 0 <= v < 1 << 48 for v in value)


def parse_metadata(pairs: Any, path: Path) -> dict[str, Any]:
    """Check the settings in a header's `__metadata__`; raise ModelError for invalid ones."""
    if not isinstance(pairs, dict) or not isinstance(pairs.get("spinalcord"), str):
        raise ModelError(
            f"{path} is not a spinalcord model: its metadata lacks the key 'spinalcord'"
        )
    metadata = parse_json(pairs["spinalcord"], f"{path}: the metadata")
    check = _Checker(metadata, str(path))
    check.among("format", (FORMAT,))
    for key in ("name", "version"):
        check.text(key)
    check.text("notice", empty=True)
    network = check.among("network", ("multiresunet", "densenet121"))
    check.integer("in_channels", 1, 16)
    labels, preprocessing = check.inner("labels"), check.inner("preprocessing")
    if network == "densenet121":
        check.number("norm_eps", 0.0, 0.1)
        check.flag("final_relu")
        _check_classification(labels)
    else:
        if "norm_eps" in metadata:
            check.number("norm_eps", 0.0, 0.1)
        check.flag("final_norm")
        _check_segmentation(labels)
    labels.number("threshold", 0.0, 1.0)
    _check_preprocessing(preprocessing, network)
    if "ensemble" in metadata:
        check.inner("ensemble").integer("members", 1, 1000)
    return metadata


def _check_classification(labels: _Checker) -> None:
    labels.among("kind", ("classification",))
    task = TASKS[labels.among("task", tuple(TASKS))]
    labels.among("negative", (task.negative,))
    labels.among("positive", (task.positive,))


def _check_segmentation(labels: _Checker) -> None:
    labels.among("kind", ("segmentation",))
    if "outputs" in labels.values:
        labels.among("outputs", (["lesion"], ["lesion", "cord"]))
    if "cord_threshold" in labels.values:
        labels.number("cord_threshold", 0.0, 1.0)
    for name, most in MOST.items():
        if name != "threshold" and name in labels.values:
            labels.number(name, 0.0, most, zero=True)
    labels.flag("keep_outside_cord")


def _check_preprocessing(preprocessing: _Checker, network: str) -> None:
    mode = preprocessing.among("mode", ("stretch", "physical", OLD_STRETCH))
    preprocessing.number("clip", 0.0, 1000.0)
    if mode == "physical":
        preprocessing.number("pixel_mm", 0.0, 10.0)
    if "context_mm" in preprocessing.values:
        preprocessing.number("context_mm", 0.0, 100.0)
    if "flips" in preprocessing.values:
        known = FLIPS if "context_mm" in preprocessing.values else FLIPS[:2]
        preprocessing.subset("flips", known)
    multiple, least = (16, 16) if network == "multiresunet" else (1, 32)
    if mode != "physical" or network == "densenet121" or "size" in preprocessing.values:
        preprocessing.size("size", least, multiple)


class _Checker:
    """Read the keys of a JSON object; every error names the file, the key and the value."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self.values = values
        self.where = where

    def _get(self, key: str) -> Any:
        if key not in self.values:
            raise ModelError(f"{self.where}: the metadata lacks {key!r}")
        return self.values[key]

    def _refuse(self, key: str, expected: str) -> ModelError:
        given = json.dumps(self.values[key], ensure_ascii=False)[:80]
        return ModelError(f"{self.where}: {key!r} is {given}, expected {expected}")

    def inner(self, key: str) -> _Checker:
        value = self._get(key)
        if not isinstance(value, dict):
            raise self._refuse(key, "an object")
        return _Checker(value, f"{self.where}: {key}")

    def among(self, key: str, choices: tuple[Any, ...]) -> Any:
        value = self._get(key)
        for choice in choices:
            if type(value) is type(choice) and value == choice:
                return value
        raise self._refuse(key, " or ".join(json.dumps(choice) for choice in choices))

    def text(self, key: str, *, empty: bool = False) -> None:
        value = self._get(key)
        if not isinstance(value, str) or not (empty or value.strip()):
            raise self._refuse(key, "a text")

    def integer(self, key: str, least: int, most: int) -> None:
        value = self._get(key)
        if type(value) is not int or not least <= value <= most:
            raise self._refuse(key, f"a whole number from {least} to {most}")

    def number(self, key: str, above: float, most: float, *, zero: bool = False) -> None:
        value = self._get(key)
        if type(value) in (int, float) and (above < value <= most or (zero and value == 0)):
            return
        least = "a number from 0" if zero else f"a number above {above:g}"
        raise self._refuse(key, f"{least} to {most:g}")

    def flag(self, key: str) -> None:
        if key in self.values and type(self.values[key]) is not bool:
            raise self._refuse(key, "true or false")

    def subset(self, key: str, known: tuple[str, ...]) -> None:
        value = self._get(key)
        given = value if isinstance(value, list) else [None]
        if len({str(v) for v in given}) < len(given) or any(v not in known for v in given):
            raise self._refuse(key, f"a list of {', '.join(known)}, each at most once")

    def size(self, key: str, least: int, multiple: int) -> None:
        value = self._get(key)
        if (
            not is_sizes(value)
            or len(value) != 2
            or any(v < least or v > 4096 or v % multiple for v in value)
        ):
            raise self._refuse(key, f"two multiples of {multiple} from {least} to 4096")
