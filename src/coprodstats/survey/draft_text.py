"""A draft as the text of a codebook, with what each guess rests on, and its questions, in comments."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from coprodstats.survey.draft_records import OUTCOMES, Draft, Guess, Rule
from coprodstats.survey.draft_words import speaks_of
from coprodstats.survey.toml_lines import OPEN, QUESTION
from coprodstats.survey.toml_text import toml_inline, toml_key, toml_value

WIDTH = 110
_MOST_SUGGESTED = 12


def codebook_text(draft: Draft) -> str:
    """Return a draft as the text of ``codebook.toml``.

    Parameters
    ----------
    draft
        The draft.

    Returns
    -------
    str
        TOML. Every question is a comment above a key whose value is ``"?"``.
    """
    parts = [_head(draft), *_rules(draft)]
    parts += [_variable(guess) for guess in draft.used()]
    parts.append(_outcomes(draft))
    return "\n\n".join(part for part in parts if part) + "\n"


def comment(text: str, *, first: str = "# ", rest: str = "# ") -> str:
    """Return a text as comment lines."""
    # A line break of the data must not end the comment.
    plain = " ".join(text.split())
    return "\n".join(textwrap.wrap(plain, WIDTH, initial_indent=first, subsequent_indent=rest))


def asked(question: str, line: str, *, perhaps: str = "") -> list[str]:
    """Return a question as a comment, a likely answer on its own line, and the line that waits for it."""
    text = f"{question} Perhaps:" if perhaps else question
    lines = [comment(text, first=f"# {QUESTION} ", rest="#     ")]
    return [*lines, f"#     {' '.join(perhaps.split())}", line] if perhaps else [*lines, line]


def _head(draft: Draft) -> str:
    n_columns = len(draft.guesses)
    lines = [
        comment(
            f"Codebook of {draft.source} ({draft.n_rows:,} rows, {n_columns} columns), drafted from the "
            f'file\'s own labels and codes. Answer every {QUESTION[:-1]} by writing over its "{OPEN}", '
            f"read over the rest, and run: coprodstats check {draft.source} codebook.toml"
        ),
        "",
        f"title = {toml_value(draft.title)}",
    ]
    if declared := draft.file.declared():
        lines += ["", "[file]", *(f"{key} = {toml_value(getattr(draft.file, key))}" for key in declared)]
    return "\n".join(lines)


def _rules(draft: Draft) -> list[str]:
    cleaning = [line for rule in draft.rules if rule.table == "cleaning" for line in _rule(rule)]
    if left_out := draft.left_out():
        cleaning.append(comment("Columns that are left unread, and why. Declare those that you need."))
        cleaning.append("ignore_columns = [")
        cleaning += [
            f"    {toml_value(guess.column or guess.name)},  # {' '.join(guess.why.split())}"
            for guess in left_out
        ]
        cleaning.append("]")
    design = [line for rule in draft.rules if rule.table == "design" for line in _rule(rule)]
    tables = {"cleaning": cleaning, "design": design}
    return ["\n".join([f"[{name}]", *lines]) for name, lines in tables.items() if lines]


def _rule(rule: Rule) -> list[str]:
    line = f"{rule.key} = {toml_value(rule.value)}"
    if rule.question:
        return asked(rule.question, line)
    return [comment(rule.why), line]


def _variable(guess: Guess) -> str:
    lines = [f"[variables.{toml_key(guess.name)}]"]
    if guess.why:
        lines.append(comment(f"{guess.why[0].upper()}{guess.why[1:]}."))
    asks = guess.kind in {"nominal", "ordinal", "numeric"}
    told = {
        "column": guess.column,
        "label": guess.label,
        "question": guess.question if asks else "",
        "kind": guess.kind,
        "range": guess.range,
        "unit": guess.unit,
        "step": guess.step if guess.step_label else None,
        "step_label": guess.step_label,
        "undeclared": guess.undeclared,
    }
    for key, value in told.items():
        lines += _line(guess, key, toml_value(value)) if value else []
    tables: list[str] = []
    for key, table in (("values", guess.values), ("missing", guess.missing)):
        if not table:
            continue
        inline = f"{key} = {toml_inline(table)}"
        if len(inline) <= WIDTH:
            lines += _line(guess, key, toml_inline(table))
        else:
            tables += _table(guess, key, table)
    return "\n".join([*lines, *tables])


def _line(guess: Guess, key: str, value: str) -> list[str]:
    line = f"{key} = {value}"
    return asked(guess.questions[key], line) if key in guess.questions else [line]


def _table(guess: Guess, key: str, table: Mapping[str, str]) -> list[str]:
    """Return a long table with one code per line; a question stands above the first code that it is about."""
    lines = [f"[variables.{toml_key(guess.name)}.{key}]"]
    waiting = guess.questions.get(key, "")
    for code, label in table.items():
        line = f"{toml_key(code)} = {toml_value(label)}"
        if waiting and label == OPEN:
            lines += asked(waiting, line)
            waiting = ""
        else:
            lines.append(line)
    return lines


def _outcomes(draft: Draft) -> str:
    """Return the two outcomes to compare; which activities they are made of is asked."""
    items = [guess for guess in draft.used() if guess.kind == "ordinal"]
    groups = [guess for guess in items if speaks_of("group", guess.name, guess.label)]
    lines = [
        comment(
            "What you compare: two outcomes, each made of one or more ordered items. An outcome is reached "
            'by who gives at least one of the items the answer "at_least" or a higher one.'
        )
    ]
    if items:
        lines.append(comment("Ordered items of this survey:"))
        lines += [comment(f"{g.name}: {g.label} ({_scale(g)})", first="#   ", rest="#       ") for g in items]
    for name, (activity, label) in OUTCOMES.items():
        likely = groups if name.startswith("collective") else _alike(items, groups)
        question = f"Which items show what {activity}? A list of names of ordered items."
        lines += ["", f"[outcomes.{name}]", f"label = {toml_value(label)}", 'kind = "any"']
        lines += asked(question, f'items = "{OPEN}"', perhaps=_names(likely) if likely else "")
        question = "From which answer on does an activity count? A label of those items."
        lines += asked(question, f'at_least = "{OPEN}"', perhaps=_second_lowest(likely))
        lines += ["min_answered = 1", 'labels = ["no", "yes"]']
    return "\n".join(lines)


def _second_lowest(likely: Iterable[Guess]) -> str:
    """Return the label above the lowest one, if the items share their answers."""
    scales = {tuple(guess.values.values()) for guess in likely}
    return toml_value(scales.pop()[1]) if len(scales) == 1 else ""


def _alike(items: Iterable[Guess], groups: Iterable[Guess]) -> list[Guess]:
    """Return items that are answered on the scale of items about groups, and aren't about groups."""
    scales = [tuple(guess.values.values()) for guess in groups]
    return [guess for guess in items if tuple(guess.values.values()) in scales and guess not in groups]


def _names(guesses: Iterable[Guess]) -> str:
    return toml_value([guess.name for guess in guesses][:_MOST_SUGGESTED])


def _scale(guess: Guess) -> str:
    return " < ".join(guess.values.values())
