"""The variables of a codebook as TOML."""

from __future__ import annotations

from collections.abc import Iterator

from coprodstats.survey.declarations import Codebook, Variable
from coprodstats.survey.toml_text import toml_inline, toml_key, toml_value


def codebook_toml(codebook: Codebook) -> str:
    """Return the title and the variables of a codebook as TOML, which `read_codebook` reads back.

    Parameters
    ----------
    codebook
        The codebook, such as one kept as a table. Its indices, outcomes and rules are left out.

    Examples
    --------
    >>> trust = Variable(name="trust", label="Trust", kind="ordinal", values={"1": "low", "2": "high"})
    >>> print(codebook_toml(Codebook(title="Town", synthetic=False, variables={"trust": trust})))
    title = "Town"
    <BLANKLINE>
    [variables.trust]
    label = "Trust"
    kind = "ordinal"
    values = { 1 = "low", 2 = "high" }
    <BLANKLINE>
    """
    head = [f"title = {toml_value(codebook.title)}"] + (["synthetic = true"] if codebook.synthetic else [])
    parts = ["\n".join(head)]
    parts += [
        "\n".join([f"[variables.{toml_key(variable.name)}]", *_lines(variable)])
        for variable in codebook.variables.values()
    ]
    return "\n\n".join(parts) + "\n"


def _lines(variable: Variable) -> Iterator[str]:
    usual = Variable(name=variable.name, label=variable.label, kind=variable.kind)
    yield f"label = {toml_value(variable.label)}"
    if variable.question:
        yield f"question = {toml_value(variable.question)}"
    yield f"kind = {toml_value(variable.kind)}"
    if variable.reverse:
        yield "reverse = true"
    values = list(dict(variable.values).items())
    # `reverse` turns the values round again when they are read.
    for key, table in (
        ("values", dict(reversed(values) if variable.reverse else values)),
        ("missing", dict(variable.missing)),
        ("recode", dict(variable.recode)),
    ):
        if table:
            yield f"{key} = {toml_inline(table)}"
    for key in (
        "range",
        "scores",
        "unit",
        "step",
        "step_label",
        "undeclared",
        "out_of_range",
        "not_a_number",
    ):
        if getattr(variable, key) != getattr(usual, key):
            yield f"{key} = {toml_value(getattr(variable, key))}"
    for key, lists in (("collapse", variable.collapse), ("asked_if", variable.asked_if)):
        if lists:
            entries = ", ".join(f"{toml_key(name)} = {toml_value(codes)}" for name, codes in lists.items())
            yield f"{key} = {{ {entries} }}"
