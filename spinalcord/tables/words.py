"""Interpret words for sex and diagnosis.

Unknown words are kept as given and treated as missing; `tables.checks` reports how often they
occur.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..errors import InputError
from ..tasks import DIAGNOSES
from .cells import age_text
from .data_table import READERS, DataTable

FEMALE, MALE = "F", "M"
HEALTHY, OTHER = "healthy", "other"
"""Diagnoses that are known, and are none of the four."""

MISSING_LETTERS = frozenset(("", "u", "unknown"))
"""Words for a sex that is not known, which explain no code beside them."""

KINDS = {"sex": "sex", "diagnosis": "diagnosis", "reference_diagnosis": "diagnosis"}
"""Columns of words, and what their words are; those of readers are diagnoses as well."""

GROUPS = ("tumor", "demyelination")

SYNONYMS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "sex": {
        FEMALE: (
            "f", "fem", "female", "w", "woman", "girl", "weiblich", "weibl", "frau",
            "femme", "féminin", "feminin", "fille", "mujer", "femenino", "donna", "femmina",
            "femminile", "vrouw", "vrouwelijk", "mulher", "feminino", "kvinna", "kvinde", "kvinne",
            "女", "女性",
        ),
        MALE: (
            "m", "male", "man", "boy", "männlich", "maennlich", "männl", "mann", "herr",
            "homme", "masculin", "garçon", "hombre", "masculino", "varón", "uomo", "maschio",
            "maschile", "mannelijk", "homem", "mand", "男", "男性",
        ),
    },
    "diagnosis": {
        "astrocytoma": ("astrocytoma", "astrocytomas", "astrocytome", "astrozytom", "astrocitoma",
                        "pilocytic astrocytoma", "diffuse astrocytoma", "spinal astrocytoma"),
        "ependymoma": ("ependymoma", "ependymomas", "ependymome", "ependymom", "spinal ependymoma",
                       "myxopapillary ependymoma"),
        "MS": ("ms", "multiple sclerosis", "multiple sklerose", "sclérose en plaques", "sep",
               "esclerosis múltiple", "sclerosi multipla", "esclerose múltipla", "rrms", "spms",
               "ppms", "relapsing remitting multiple sclerosis",
               "relapsing remitting ms", "primary progressive multiple sclerosis",
               "primary progressive ms", "secondary progressive multiple sclerosis",
               "secondary progressive ms"),
        "NMOSD": ("nmosd", "nmo", "nmosds", "neuromyelitis optica", "devic disease",
                  "devic's disease", "devic syndrome",
                  "neuromyelitis optica spectrum disorder",
                  "neuromyelitis optica spectrum disorders",
                  "neuromyelitis optica spectrum disease", "aqp4 nmosd"),
        "tumor": ("tumor", "tumour", "tumors", "tumours"),
        "demyelination": ("demyelination", "demyelinating", "demyelinating disease",
                          "demyelinating lesion"),
        HEALTHY: ("healthy", "control", "controls", "healthy control", "healthy controls", "hc",
                  "healthy volunteer", "normal", "no lesion"),
        OTHER: ("other", "other diagnosis", "other disease"),
    },
}  # fmt: skip
"""By column: what a word means, and its spellings, whatever their case."""


class Vocabulary:
    """The meaning of words in the columns sex and diagnosis.

    Parameters
    ----------
    words : mapping of str to mapping of str to str, optional
        Further words, or a coding, by column: ``{"sex": {"1": "M", "2": "F"}}``. They come before
        `SYNONYMS`. Columns are ``"sex"`` and ``"diagnosis"``, which readers use as well.

    Raises
    ------
    InputError
        Another column, or a meaning that is none of `SYNONYMS`.

    Examples
    --------
    >>> Vocabulary().read("sex", ["f", "Mann", "U", "2"])
    ('F', 'M', 'U', '2')
    >>> Vocabulary({"sex": {"1": "M", "2": "F"}}).read("sex", ["2", "1"])
    ('F', 'M')
    """

    def __init__(self, words: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._meaning: dict[str, dict[str, str]] = {
            kind: {_folded(word): name for name, listed in names.items() for word in listed}
            for kind, names in SYNONYMS.items()
        }
        self._stated = False
        for kind, given in (words or {}).items():
            if kind not in SYNONYMS:
                raise InputError(f"words are for {' and '.join(SYNONYMS)}, got {kind!r}")
            for word, meaning in given.items():
                known = self._meaning[kind].get(_folded(str(meaning)))
                if known is None:
                    raise InputError(
                        f"words: {word!r} is mapped to {meaning!r}, which is not a {kind}; "
                        f"expected one of {', '.join(SYNONYMS[kind])}"
                    )
                self._meaning[kind][_folded(str(word))] = known
                self._stated = self._stated or kind == "sex"

    def read(self, kind: str, words: Sequence[str]) -> tuple[str, ...]:
        """Return the words of a column in the package's spelling; unknown ones are unchanged.

        Parameters
        ----------
        kind : {"sex", "diagnosis"}
        words : sequence of str
            All of the column: H beside F is homme, H beside M may be hombre and mujer.

        Returns
        -------
        tuple of str
        """
        meaning = dict(self._meaning[kind])
        if kind == "sex" and not self._stated:
            found = {_folded(word) for word in words}
            if found - MISSING_LETTERS == {"w", "m"}:
                # A code of two letters that no spelled-out word explains: to be stated, as 1 and 2.
                meaning.pop("w")
                meaning.pop("m")
            elif found & {"h", "v"} and "m" in found:
                meaning.pop("m")  # hombre and mujer, or homme and an error: ambiguous
            elif "f" in found:
                meaning["h"] = MALE
        return tuple(meaning.get(_folded(word), word) for word in words)

    def spell(self, table: DataTable) -> DataTable:
        """Normalize the words in the columns for sex, diagnoses and readers, and DICOM's ages.

        Parameters
        ----------
        table : DataTable

        Returns
        -------
        DataTable
        """
        columns = [table.column(name) for name in table.columns]
        for i, name in enumerate(table.columns):
            kind = KINDS.get(name, "diagnosis" if name.startswith(READERS) else "")
            if kind:
                columns[i] = self.read(kind, columns[i])
            elif name == "age":
                columns[i] = tuple(map(age_text, columns[i]))
        return replace(table, rows=tuple(zip(*columns, strict=True)))


def unknown_words(kind: str, words: Iterable[str]) -> Counter[str]:
    """Count the unknown words of a column, without missing values.

    Parameters
    ----------
    kind : {"sex", "diagnosis"}
    words : iterable of str
        As `Vocabulary.read` returns them.

    Returns
    -------
    Counter

    Examples
    --------
    >>> unknown_words("sex", ["F", "", "U", "U"])
    Counter({'U': 2})
    """
    known = SYNONYMS[kind]
    return Counter(word for word in words if word and word not in known)


def listed_words(counts: Counter[str], most: int = 5) -> str:
    """Format counted words for a message, the most frequent first.

    Examples
    --------
    >>> listed_words(Counter({"U": 2, "?": 1}))
    "'U' (2), '?' (1)"
    """
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{word!r} ({n})" for word, n in order[:most])
    return shown + (f" and {len(order) - most} more" if len(order) > most else "")


def parse_words(text: str) -> dict[str, dict[str, str]]:
    """Parse words from the command line: ``sex:1=M,sex:2=F,diagnosis:M.S.=MS``.

    Raises
    ------
    InputError
        Not of this form.

    Examples
    --------
    >>> parse_words("sex:1=M,sex:2=F")
    {'sex': {'1': 'M', '2': 'F'}}
    """
    out: dict[str, dict[str, str]] = {}
    for part in filter(None, text.split(",")):
        kind, colon, rest = part.partition(":")
        word, equals, meaning = rest.rpartition("=")
        if not (colon and equals and word.strip() and meaning.strip()):
            raise InputError(f"words are COLUMN:WORD=MEANING, as in sex:1=M,sex:2=F; got {part!r}")
        out.setdefault(kind.strip(), {})[word.strip()] = meaning.strip()
    Vocabulary(out)
    return out


def parse_columns(text: str) -> dict[str, str]:
    """Parse names of columns from the command line: ``age=Alter,sex=Gender``.

    Raises
    ------
    InputError
        Not of this form.

    Examples
    --------
    >>> parse_columns("age=Age at scan,sex=Gender")
    {'age': 'Age at scan', 'sex': 'Gender'}
    """
    out = {}
    for part in filter(None, text.split(",")):
        here, equals, there = part.partition("=")
        if not (equals and here.strip() and there.strip()):
            raise InputError(f"columns are NAME=COLUMN, as in age=Alter,sex=Gender; got {part!r}")
        out[here.strip()] = there.strip()
    return out


def is_diagnosis(word: str) -> bool:
    """Return whether a word is one of the four diagnoses or of their two groups.

    Examples
    --------
    >>> is_diagnosis("MS"), is_diagnosis("ependimoma")
    (True, False)
    """
    return word in DIAGNOSES or word in GROUPS


def _folded(word: str) -> str:
    text = unicodedata.normalize("NFKC", word).casefold()
    return " ".join(text.replace("-", " ").replace("_", " ").split())
