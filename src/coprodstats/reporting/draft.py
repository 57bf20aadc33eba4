"""From a survey file that nobody has described to a drafted codebook and analysis, with open questions."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coprodstats.errors import Fault, ReportError, listed
from coprodstats.survey.draft import draft_survey
from coprodstats.survey.draft_reading import read_undescribed
from coprodstats.survey.draft_records import OUTCOMES, Draft, Guess
from coprodstats.survey.draft_text import asked, codebook_text, comment
from coprodstats.survey.toml_lines import OPEN, QUESTION, open_questions
from coprodstats.survey.toml_text import toml_value

CODEBOOK, ANALYSIS = "codebook.toml", "analysis.toml"
_PREDICTORS = ("age", "birth year", "gender", "education", "work", "place", "income", "efficacy")
_MOST_GROUPS = 12
_MOST_PLACES = 20
_KINDS = {
    "id": "id",
    "weight": "weight",
    "stratum": "stratum",
    "psu": "primary sampling unit",
    "replicate weight": "replicate weights",
    "ordinal": "ordered answers",
    "nominal": "categories",
    "numeric": "numbers",
    OPEN: "in question",
    "left out": "left out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A drafted codebook and analysis, written.

    Attributes
    ----------
    draft
        What was guessed.
    files
        Where the codebook and the analysis were written.
    questions
        What is asked in them, in order.
    """

    draft: Draft
    files: tuple[Path, Path]
    questions: tuple[Fault, ...]


def write_draft(survey: Path, folder: Path | None = None, *, labels: Path | None = None) -> Drafted:
    """Draft ``codebook.toml`` and ``analysis.toml`` for a survey file and write them.

    Parameters
    ----------
    survey
        The survey file.
    folder
        Where the drafts go; by default where the survey is.
    labels
        A page that describes the file (DDI-Codebook or Triple-S), for files without labels of their own.

    Returns
    -------
    Drafted
        What was guessed, what is asked and where it stands.

    Raises
    ------
    InputError
        If the file can't be read without guessing.
    ReportError
        If one of the two files is there already, or can't be written; neither is written then.
    """
    folder = survey.parent if folder is None else folder
    _refuse_existing(folder)
    codes, said, file = read_undescribed(survey, labels=labels)
    draft = draft_survey(codes, said, file)
    texts = {
        CODEBOOK: codebook_text(draft),
        ANALYSIS: analysis_text(draft, **_paths(survey, folder)),
    }
    questions = [
        fault for name, text in texts.items() for fault in open_questions(name, text, tomllib.loads(text))
    ]
    _write(texts, folder)
    return Drafted(draft=draft, files=(folder / CODEBOOK, folder / ANALYSIS), questions=tuple(questions))


def _paths(survey: Path, folder: Path) -> dict[str, str]:
    """Return the path of the survey from a folder, and of the folder that holds both if it is another."""
    there = Path(os.path.relpath(survey, folder))
    if there.parts[0] != "..":
        return {"survey": there.as_posix()}
    common = os.path.commonpath([survey.resolve(), folder.resolve()])
    return {"survey": there.as_posix(), "root": Path(os.path.relpath(common, folder)).as_posix()}


def _refuse_existing(folder: Path) -> None:
    there = [name for name in (CODEBOOK, ANALYSIS) if (folder / name).exists()]
    if there:
        remedy = "draft into another folder with --out, or move the file away"
        found = "it is there already, and a draft replaces nothing"
        raise ReportError(*(Fault(where=name, found=found, remedy=remedy) for name in there))


def _write(texts: dict[str, str], folder: Path) -> None:
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with (folder / name).open("x", encoding="utf-8", newline="\n") as stream:
                written.append(folder / name)
                stream.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        fault = Fault(where=folder.name, found=f"the drafts can't be written: {error.strerror}")
        raise ReportError(fault) from error


def analysis_text(draft: Draft, survey: str, root: str = "") -> str:
    """Return the text of ``analysis.toml`` that goes with a drafted codebook.

    Parameters
    ----------
    draft
        The draft.
    survey
        Path of the survey file, relative to the analysis.
    root
        Path of the folder that the survey must lie in; empty for that of the analysis.
    """
    likely = _predictors(draft)
    individual, collective = OUTCOMES
    lines = [
        comment(
            f"What to find out from {draft.source}, drafted beside {CODEBOOK}. Answer every "
            f"{QUESTION[:-1]}, then run: coprodstats run {ANALYSIS}"
        ),
        "",
        f"title = {toml_value(f'{draft.title}: who co-produces individually, and who collectively?')}",
        *([f"root = {toml_value(root)}  # the survey lies somewhere below"] if root else []),
        f"survey = {toml_value(survey)}",
        f'codebook = "{CODEBOOK}"',
        'output = "report"',
        "seed = 1",
        "",
        comment("The two outcomes, in the order of subtraction: second minus first."),
        "[outcomes.individual]",
        'label = "Individual"',
        'event = "to co-produce individually"',
        "[outcomes.collective]",
        'label = "Collective"',
        'event = "to co-produce collectively"',
        "",
        "[describe]",
        *_describe(draft, likely),
        "",
        "[[comparisons]]",
        'key = "main"',
        'title = "Individual and collective co-production"',
        'kind = "logit"',
        f"outcomes = {{ individual = {toml_value(individual)}, collective = {toml_value(collective)} }}",
        *asked(
            "Which variables may go with both outcomes? Names of the codebook joined by +.",
            f'predictors = "{OPEN}"',
            perhaps=toml_value(" + ".join(guess.name for guess in likely)) if likely else "",
        ),
        "",
        comment(
            "Names for what sentences of the summary are about; a term is named as in the report's tables, "
            'for instance: "age" = "People ten years older"'
        ),
        "[phrases]",
    ]
    return "\n".join(lines) + "\n"


def _predictors(draft: Draft) -> list[Guess]:
    """Return the columns that often go with co-production, one per topic, in the usual order."""
    usable = draft.of_kind("nominal", "ordinal", "numeric")
    firsts = (next((guess for guess in usable if guess.topic == topic), None) for topic in _PREDICTORS)
    found = [guess for guess in firsts if guess is not None]
    # Age and the year of birth say the same.
    return [g for g in found if g.topic != "birth year" or all(other.topic != "age" for other in found)]


def _describe(draft: Draft, likely: Sequence[Guess]) -> list[str]:
    # Columns whose kind is still a question can't be described yet either way.
    lines = [f"sample = {toml_value([guess.name for guess in likely])}"]
    countries = [guess for guess in draft.of_kind("nominal") if guess.topic == "country"]
    if countries and 2 <= len(countries[0].values) <= _MOST_GROUPS:
        lines.append(f"by = {toml_value(countries[0].name)}")
    return lines


def draft_summary(drafted: Drafted, survey: Path, folder: Path) -> str:
    """Return what was found, what is asked and what to do next, for a terminal.

    Parameters
    ----------
    drafted
        The drafts.
    survey
        The survey file, as the user named it.
    folder
        The folder of the drafts, as seen from here.
    """
    draft, codebook, analysis = drafted.draft, folder / CODEBOOK, folder / ANALYSIS
    lines = [f"{draft.source}: {draft.n_rows:,} rows, {len(draft.guesses)} columns", "", "Found"]
    for kind in dict.fromkeys([*_KINDS, *(guess.kind for guess in draft.guesses.values())]):
        if names := [guess.name for guess in draft.of_kind(kind)]:
            word = _KINDS.get(kind, kind)
            lines.append(f"{len(names):>5}  {word:<22}{listed(names, 6)}")
    coded = [guess.name for guess in draft.used() if guess.missing]
    if coded:
        lines.append(f"{len(coded):>5}  {'with missing codes':<22}{listed(coded, 6)}")
    lines += ["", f"Asked ({len(drafted.questions)})"]
    lines += _places(drafted.questions)
    lines += [
        "",
        "Next",
        f"  1. Answer each {QUESTION[:-1]} in {codebook} and {analysis}, and read over the rest.",
        f"  2. coprodstats check {survey} {codebook}",
        f"  3. coprodstats run {analysis}",
    ]
    return "\n".join(lines)


def _places(questions: Sequence[Fault]) -> list[str]:
    """Return where questions stand, one line for those about one variable or outcome."""
    places: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for question in questions:
        place, _, path = question.where.partition(": ")
        name, _, line = place.partition(", line ")
        parts = path.split(".")
        places.setdefault((name, ".".join(parts[:2])), []).append((line, ".".join(parts[2:3])))
    lines = [
        f"  {f'{name}:{asked_there[0][0]}':<20}{path} ({', '.join(dict.fromkeys(k for _, k in asked_there))})"
        for (name, path), asked_there in places.items()
    ]
    shown = lines[:_MOST_PLACES]
    return shown if len(lines) == len(shown) else [*shown, f"  … ({len(lines) - len(shown)} more)"]
