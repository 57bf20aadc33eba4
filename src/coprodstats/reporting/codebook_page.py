"""A codebook as a page that people read: wording, values, counts, reasons for missing answers."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from coprodstats.survey.codebook_counts import Line, any_hidden, codebook_lines, shown_count
from coprodstats.survey.declarations import Codebook, Index, Outcome, Variable
from coprodstats.survey.reading import SurveyData

_KINDS: Mapping[str, str] = {
    "id": "number of the respondent",
    "nominal": "categories without order",
    "ordinal": "ordered answers, lowest first",
    "numeric": "number",
    "weight": "survey weight",
    "stratum": "stratum of the sample",
    "psu": "sampling unit",
    "fpc": "finite population",
    "replicate weight": "replicate weight",
}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a page says about one variable.

    Attributes
    ----------
    name, label, kind, question
        Name in formulas, label, kind in words, wording.
    facts
        Range, unit and route, in words.
    lines
        Codes with labels and counts.
    """

    name: str
    label: str
    kind: str
    question: str
    facts: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def counted(self) -> bool:
        """Whether there are counts."""
        return any(shown_count(line) for line in self.lines)


def codebook_entries(codebook: Codebook, survey: SurveyData | None = None) -> list[Entry]:
    """Return what pages say about each variable, in the order of the codebook.

    Parameters
    ----------
    codebook
        The codebook.
    survey
        The survey as it was read, for counts.
    """
    lines = codebook_lines(codebook, survey)
    return [
        Entry(
            name=name,
            label=variable.label,
            kind=_KINDS[variable.kind],
            question=variable.question,
            facts=tuple(_facts(variable, codebook)),
            lines=tuple(lines[name]),
        )
        for name, variable in codebook.variables.items()
    ]


def _facts(variable: Variable, codebook: Codebook) -> list[str]:
    found = []
    if variable.range is not None:
        low, high = variable.range
        unit = f" {variable.unit}" if variable.unit else ""
        found.append(f"From {low:g} to {high:g}{unit}.")
    elif variable.unit:
        found.append(f"In {variable.unit}.")
    for before, codes in variable.asked_if.items():
        labels = codebook.variables[before].label_by_code if before in codebook.variables else {}
        answers = " or ".join(f"“{labels.get(code, code)}”" for code in codes)
        found.append(f"Asked only if the answer to {before} is {answers}.")
    return found


def _made(codebook: Codebook) -> list[tuple[str, str, str]]:
    """Return name, label and making of indices and outcomes."""
    derived: dict[str, Index | Outcome] = {**codebook.indices, **codebook.outcomes}
    return [(name, one.label, _making(one)) for name, one in derived.items()]


def _making(one: Index | Outcome) -> str:
    if isinstance(one, Outcome) and one.items is None:
        cuts = ", ".join(f"{cut:g}" for cut in one.cuts)
        return f"{one.of} cut at {cuts}: {', '.join(one.labels)}"
    names = ", ".join(one.items.names) if one.items else ""
    needed = one.items.needed if one.items else 0
    how = "mean, scored 0–100, of"
    if isinstance(one, Outcome):
        how = "any of" if one.kind == "any" else "how many of"
    at_least = f" at “{one.at_least}” or more" if isinstance(one, Outcome) else ""
    return f"{how} {names}{at_least}; at least {needed} answered"


def _about(codebook: Codebook, survey: SurveyData | None) -> list[str]:
    found = [f"{len(codebook.variables)} variables."]
    if codebook.synthetic:
        found.append("The data are synthetic: a program made them.")
    if survey is not None:
        found.append(f"Counts are unweighted numbers of the {survey.n_rows:,} rows of {survey.source}.")
        if any_hidden(codebook_lines(codebook, survey)):
            found.append(
                "Counts below 10 are not shown, nor those from which they could be worked out by subtraction."
            )
    return found


def codebook_html(codebook: Codebook, survey: SurveyData | None = None) -> str:
    """Return a codebook as one self-contained HTML page without scripts.

    Parameters
    ----------
    codebook
        The codebook.
    survey
        The survey as it was read, for counts; small ones are protected.

    Examples
    --------
    >>> trust = Variable(name="trust", label="Trust <1>", kind="ordinal", values={"1": "low", "2": "high"})
    >>> page = codebook_html(Codebook(title="Town", synthetic=False, variables={"trust": trust}))
    >>> "Trust &lt;1&gt;" in page, 'scope="row"' in page
    (True, True)
    """
    css = _resource("report.css")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(shown_count=shown_count)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode("ascii")
    page = environment.from_string(_resource("codebook.html.j2"))
    return page.render(
        title=codebook.title,
        about=_about(codebook, survey),
        entries=codebook_entries(codebook, survey),
        made=_made(codebook),
        # The style sheet is a file of this package; everything else is escaped by the template.
        css=Markup(css),  # noqa: S704
        css_hash=f"sha256-{digest}",
    )


def _resource(name: str) -> str:
    return (files("coprodstats.reporting") / "templates" / name).read_text(encoding="utf-8")


def codebook_markdown(codebook: Codebook, survey: SurveyData | None = None) -> str:
    r"""Return a codebook as Markdown.

    Parameters
    ----------
    codebook
        The codebook.
    survey
        The survey as it was read, for counts; small ones are protected.

    Examples
    --------
    >>> trust = Variable(name="trust", label="Trust | a", kind="ordinal", values={"1": "low", "2": "high"})
    >>> page = codebook_markdown(Codebook(title="Town", synthetic=False, variables={"trust": trust}))
    >>> print(page.splitlines()[4])
    ## trust: Trust \| a
    """
    parts = [f"# {_plain(codebook.title)}", " ".join(map(_plain, _about(codebook, survey)))]
    for entry in codebook_entries(codebook, survey):
        parts.append(f"## {_plain(entry.name)}: {_plain(entry.label)}")
        if entry.question:
            parts.append(f"> {_plain(entry.question)}")
        parts.append(" ".join([f"Kind: {entry.kind}.", *map(_plain, entry.facts)]))
        if entry.lines:
            parts.append(_table(entry))
    if made := _made(codebook):
        rows = [[name, label, making] for name, label, making in made]
        parts += ["## Indices and outcomes", _grid(["Name", "Label", "Made of"], rows)]
    return "\n\n".join(parts) + "\n"


def _table(entry: Entry) -> str:
    head = ["Code", "Meaning", "Answer"] + (["Rows"] if entry.counted else [])
    rows = [
        [line.code, line.label, "yes" if line.kind == "value" else "missing"]
        + ([shown_count(line)] if entry.counted else [])
        for line in entry.lines
    ]
    return _grid(head, rows)


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Return a text of the data so that Markdown takes no part of it for a mark."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
