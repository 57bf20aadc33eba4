"""The family of errors: which object, what was found, what is allowed, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with one object.

    Attributes
    ----------
    where
        The object, such as ``"codebook.toml: variables.age"``.
    found
        What was found there, one sentence, never a respondent's values.
    allowed
        What would have been accepted; empty if ``found`` already says it.
    remedy
        What to do, where possible as code.
    """

    where: str
    found: str
    allowed: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.found}"]
        if self.allowed:
            parts.append(f"Allowed: {self.allowed}")
        if self.remedy:
            parts.append(f"Try: {self.remedy}")
        return "\n    ".join(parts)


class CoprodstatsError(Exception):
    """Any error that this package raises on purpose; it carries all faults found at once.

    Attributes
    ----------
    code
        A stable code for programs, such as ``"E-C100"``.
    exit_status
        What the command line exits with.
    faults
        The faults, in the order in which they were found.
    """

    code: ClassVar[str] = "E-000"
    exit_status: ClassVar[int] = 1

    def __init__(self, *faults: Fault) -> None:
        self.faults: tuple[Fault, ...] = faults
        super().__init__(*faults)

    def __str__(self) -> str:
        count = f" ({len(self.faults)} faults)" if len(self.faults) > 1 else ""
        lines = [f"[{self.code}] {type(self).__name__}{count}"]
        lines += [f"  - {fault}" for fault in self.faults]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain data, for a log or another program."""
        return {
            "code": self.code,
            "class": type(self).__name__,
            "faults": [asdict(fault) for fault in self.faults],
        }


class ConfigError(CoprodstatsError):
    """An analysis file or a claims file can't be used as it is."""

    code = "E-A100"
    exit_status = 2


class CodebookError(CoprodstatsError):
    """A codebook can't be used as it is."""

    code = "E-C100"
    exit_status = 3


class InputError(CoprodstatsError):
    """A survey file can't be read without guessing."""

    code = "E-I100"
    exit_status = 4


class DelimiterError(InputError):
    """Fields, or numbers, are separated by other marks than declared."""

    code = "E-I101"


class EncodingError(InputError):
    """Bytes are no text in the declared encoding."""

    code = "E-I104"


class FormatError(InputError):
    """The content of a file is not what its name says."""

    code = "E-I108"


class SchemaError(InputError):
    """Columns, rows or cells don't form the table that the codebook declares."""

    code = "E-I110"


class TruncatedInputError(InputError):
    """A file ends before its end, or is damaged."""

    code = "E-I120"


class IntegrityError(InputError):
    """A file is not the file that was declared, or changed while it was read."""

    code = "E-I121"


class ResourceLimitError(InputError):
    """A file needs more memory, time or room than is given to it."""

    code = "E-I130"


class ReaderCrashError(InputError):
    """The reader of a file format crashed; it ran in a process of its own."""

    code = "E-I131"


class UnsafePathError(InputError):
    """A path leads out of its folder, or to something that is no file."""

    code = "E-S501"


class UnexpectedCodeError(InputError):
    """The data hold codes that the codebook does not declare."""

    code = "E-I200"


class DuplicateIdError(InputError):
    """Respondents' ids repeat and the codebook does not say what to do."""

    code = "E-I210"


class DesignError(CoprodstatsError):
    """The sampling design can't be used as declared."""

    code = "E-D100"
    exit_status = 5


class WeightError(DesignError):
    """Weights are negative, missing, infinite or all zero."""

    code = "E-D300"


class LonelyPSUError(DesignError):
    """A stratum has a single PSU and the design does not say what to do."""

    code = "E-D310"


class FormulaError(CoprodstatsError):
    """A model formula holds something outside the allow-list, or names no column."""

    code = "E-F100"
    exit_status = 6


class ModelError(CoprodstatsError):
    """A model can't be fitted to these data."""

    code = "E-M100"
    exit_status = 7


class SeparationError(ModelError):
    """The outcome is predicted perfectly by some predictors, so that no finite estimate exists."""

    code = "E-M202"


class RankDeficiencyError(ModelError):
    """Some predictors are exact combinations of others."""

    code = "E-M210"


class EmptyCategoryError(ModelError):
    """A category of the outcome or of a predictor has no respondents."""

    code = "E-M220"


class InsufficientDataError(ModelError):
    """There are too few usable rows, or a column doesn't vary."""

    code = "E-M230"


class ConvergenceError(ModelError):
    """The likelihood was not maximised; ``convergence`` says how far it got."""

    code = "E-M240"

    def __init__(self, *faults: Fault, convergence: object = None) -> None:
        super().__init__(*faults)
        self.convergence = convergence


class ComparisonError(ModelError):
    """Models can't be compared as asked."""

    code = "E-M300"


class ArgumentError(CoprodstatsError, ValueError):
    """An argument of a public function is outside what the function accepts."""

    code = "E-P100"
    exit_status = 2


class ReportError(CoprodstatsError):
    """A report can't be written, or its files are not what its manifest says."""

    code = "E-R100"
    exit_status = 8


class ManifestMismatchError(ReportError):
    """Files of a finished run differ from what its manifest recorded."""

    code = "E-R200"


Found = tuple[type[CoprodstatsError], Fault]


def raise_found(found: Sequence[Found], family: type[CoprodstatsError]) -> None:
    """Raise all faults at once, or return if there is none.

    Parameters
    ----------
    found
        Faults with their classes.
    family
        What is raised if the faults are not all of one class.

    Examples
    --------
    >>> raise_found([], InputError)
    >>> try:
    ...     raise_found([(SchemaError, Fault(where="survey.csv", found="no rows"))], InputError)
    ... except InputError as error:
    ...     print(error.code)
    E-I110
    """
    classes = {kind for kind, _ in found}
    if classes:
        raised = classes.pop() if len(classes) == 1 else family
        raise raised(*(fault for _, fault in found))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a remedy that names the nearest known name, capitals aside, or an empty string.

    Examples
    --------
    >>> did_you_mean("Wieght", ["weight", "age"])
    "did you mean 'weight'?"
    """
    by_folded = {other.casefold(): other for other in reversed(list(known))}
    near = get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.6)
    return f"did you mean {by_folded[near[0]]!r}?" if near else ""


def listed(names: Sequence[object], most: int = 12) -> str:
    """Return names as a list for a message, cut after ``most``.

    Examples
    --------
    >>> listed(["a", "b", "c"], most=2)
    'a, b, … (1 more)'
    """
    shown = ", ".join(str(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown}, … ({len(names) - most} more)"


def catalogue() -> str:
    """Return all codes as a page of Markdown, which ``docs/errors.md`` is.

    Examples
    --------
    >>> [row for row in catalogue().splitlines() if "E-I104" in row]
    ['| E-I104 | `EncodingError` | `InputError` | 4 | Bytes are no text in the declared encoding. |']
    """
    classes = sorted(_descendants(CoprodstatsError), key=lambda one: one.code)
    warnings = [f"| {code} | {meaning} |" for code, meaning in WARNINGS.items()]
    return "\n".join([_CATALOGUE, *map(_row, classes), _WARNED, *warnings, ""])


WARNINGS = {
    "W-C122": "Two codes of a variable have the same label; they are kept apart.",
    "W-D320": "Weights are so uneven that much of the sample's size is lost.",
    "W-I144": "A file has as many rows as a spreadsheet holds; rows may be missing.",
}
"""Codes of warnings, which stop nothing and go into reports, and what they mean."""

_WARNED = """
## Warnings

They stop nothing. `coprodstats run` and `check` tell them, and reports repeat them.

| Code | Meaning |
|---|---|"""

_CATALOGUE = """# Errors

Every error that this package raises on purpose has a class, a code that stays the same, and an exit status
of the command line. It holds all faults of one call: where, what was found, what is allowed, what to do.
`except` a class to catch those below it too; `error.to_dict()` gives the same as plain data. If the faults
of one call are of several classes, the error is of the class above them.

`python -m coprodstats.errors > docs/errors.md` writes this page.

| Code | Class | Below | Exit status | Meaning |
|---|---|---|---|---|"""


def _row(family: type[CoprodstatsError]) -> str:
    meaning = (family.__doc__ or "").strip().splitlines()[0].replace("``", "`")
    cells = (
        family.code,
        f"`{family.__name__}`",
        f"`{family.__bases__[0].__name__}`",
        family.exit_status,
        meaning,
    )
    return f"| {' | '.join(map(str, cells))} |"


def _descendants(family: type[CoprodstatsError]) -> list[type[CoprodstatsError]]:
    children = [child for child in family.__subclasses__() if child.__module__ == __name__]
    return children + [below for child in children for below in _descendants(child)]


if __name__ == "__main__":
    print(catalogue(), end="")  # noqa: T201
