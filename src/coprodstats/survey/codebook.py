"""Reading a codebook: the declaration of a survey file in TOML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path

from coprodstats.errors import CodebookError, Fault, listed
from coprodstats.survey.cleaning_rules import CleaningRules
from coprodstats.survey.codebook_source import NAMED, RULES, located, read_source
from coprodstats.survey.conversions import read_conversion
from coprodstats.survey.declarations import Codebook, Index, Outcome, Variable
from coprodstats.survey.declared_cleaning import read_cleaning
from coprodstats.survey.declared_sampling import read_sampling
from coprodstats.survey.declared_scores import Declared, read_index, read_mappings, read_outcome
from coprodstats.survey.declared_variables import check_columns, name_fault, read_variable
from coprodstats.survey.file_format import read_file_format
from coprodstats.survey.harmonise import read_harmonise
from coprodstats.survey.routing import check_routes
from coprodstats.survey.toml_table import TomlTable, duplicates

__all__ = ["CleaningRules", "Codebook", "Index", "Outcome", "Variable", "read_codebook"]

_COLUMNS = ("variables", "conversions", "indices", "outcomes")
_TOP_KEYS = ("extends", "title", "synthetic", *NAMED, *RULES)


def read_codebook(path: str | PathLike[str]) -> Codebook:
    """Read a codebook.

    A codebook is a TOML file with the keys ``title``, ``synthetic`` and ``extends`` and the tables
    ``file``, ``variables``, ``conversions``, ``mappings``, ``indices``, ``outcomes``,
    ``cleaning``, ``design`` and ``harmonise``.

    Parameters
    ----------
    path
        The file: TOML, or a table (``.csv``, ``.xlsx``, ``.ods``) with one row per value, as `codebook_csv`
        writes. Another codebook that it ``extends`` is found relative to it, and may be a table too.

    Returns
    -------
    Codebook
        The declarations, with the items of the first mapping.

    Raises
    ------
    CodebookError
        With every fault of the file, its line or row, and what was probably meant; or with every question
        that a drafted codebook still asks.

    Notes
    -----
    - Without a ``title`` the name of the file is the title.
    - ``values`` of an ordinal variable run from lowest to highest as written; with ``reverse = true`` from
      highest to lowest. ``scores`` always follow the lowest value first.
    - At most one variable each is the ``id`` and the ``weight``; none is needed. Several of kind ``stratum``,
      ``psu`` or ``fpc`` are stages of sampling, which the table ``design`` puts in order; it also holds the
      other arguments of `SurveyDesign`, such as ``lonely_psu`` and ``replicate_method``.
    - ``file`` says how the survey file is written: ``delimiter``, ``decimal``, ``encoding``, ``sheet`` and
      the other settings of `FileFormat`.
    - ``column = "Q1. Trust"`` of a variable is the name of its column in the file, where that can't stand in
      formulas; ``ignore_columns`` are names in the file.
    - ``question`` is the wording of a variable's question. ``asked_if = { helps = ["1", "2"] }`` says that
      only who gave one of these codes was asked; other blanks are "not asked".
    - ``recode`` of a variable says which codes of the file stand for others, ``collapse`` which labels are
      merged into a new one; ``conversions`` make ages of years of birth, or the reverse.
    - ``harmonise`` says how the columns and codes of several files become those of this codebook, for
      `combine`.
    - Codes that share a label are kept apart: their code is put behind it, and ``warnings`` tell so.
    - Codes are text. A code with a point or a leading plus is written in quotes.
    - Rules for rows that can't be used are ``"error"`` unless ``cleaning`` says otherwise.
    - ``bands`` cut an index or a numeric variable.
    - Of two codebooks joined by ``extends``, the extending one may give a new title; it redefines no name.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> text = '''
    ... title = "A very small survey"
    ... [variables.trust]
    ... label = "Trust in the municipality"
    ... kind = "ordinal"
    ... values = { 1 = "low", 2 = "high" }
    ... missing = { 8 = "don't know" }
    ... '''
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "codebook.toml"
    ...     _ = path.write_text(text, encoding="utf-8")
    ...     codebook = read_codebook(path)
    >>> list(codebook.variables["trust"].values.values())
    ['low', 'high']
    """
    file = Path(path)
    source = read_source(file)
    if source.faults:
        raise CodebookError(*source.faults)
    faults: list[Fault] = []
    top = TomlTable(file.name, source.content, faults)
    top.refuse_unknown(_TOP_KEYS)
    codebook = _assembled(top, file, source.sha256)
    if faults:
        raise CodebookError(*located(faults, file.name, source.places))
    warnings = located(top.warnings, file.name, source.places)
    return replace(codebook, warnings=tuple(f"[W-C122] {one.where}: {one.found}" for one in warnings))


def _assembled(top: TomlTable, file: Path, sha256: str) -> Codebook:
    tables = {key: top.tables(key) for key in NAMED}
    if not tables["variables"]:
        top.fault("no variables are declared", allowed="[variables.NAME] tables")
    _check_names(top, tables)
    read = {name: read_variable(name, table) for name, table in tables["variables"].items()}
    variables = {name: variable for name, variable in read.items() if variable is not None}
    _check_single_kinds(top, variables)
    check_columns(variables, tables["variables"])
    check_routes(variables, tables["variables"])
    names = tuple(tables["variables"])
    conversions = {
        name: read_conversion(name, table, variables, names) for name, table in tables["conversions"].items()
    }
    numbers = {name: made.variable for name, made in conversions.items() if made is not None}
    all_names = (*names, *conversions)
    declared = Declared(
        variables={**variables, **numbers},
        names=all_names,
        mappings=read_mappings(tables["mappings"], all_names),
    )
    indices = {name: read_index(name, table, declared) for name, table in tables["indices"].items()}
    outcomes = {
        name: read_outcome(name, table, declared, tuple(indices))
        for name, table in tables["outcomes"].items()
    }
    codebook = Codebook(
        title=top.text("title", file.stem),
        synthetic=top.flag("synthetic"),
        variables=variables,
        mappings=declared.mappings,
        indices={name: index for name, index in indices.items() if index is not None},
        outcomes={name: outcome for name, outcome in outcomes.items() if outcome is not None},
        conversions={name: made for name, made in conversions.items() if made is not None},
        cleaning=read_cleaning(top.table("cleaning"), variables, names),
        sha256=sha256,
        source=file.name,
        mapping=next(iter(declared.mappings), ""),
        sampling=read_sampling(top.table("design"), variables),
        file=read_file_format(top.table("file")),
        harmonise=read_harmonise(top.table("harmonise"), variables, names),
    )
    _check_labels(top, codebook)
    _check_flags(top, codebook)
    return codebook


def _check_names(top: TomlTable, tables: Mapping[str, Mapping[str, TomlTable]]) -> None:
    columns = [(part, name) for part in _COLUMNS for name in tables[part]]
    for part, name in columns:
        if found := name_fault(name):
            allowed = "a letter (A–Z) followed by letters, digits and _, and no name used by formulas"
            remedy = (
                'a name of your own, and column = "…" with that of the file' if part == "variables" else ""
            )
            top.fault(found, key=f"{part}.{name}", allowed=allowed, remedy=remedy)
    if repeated := duplicates(name for _, name in columns):
        top.fault(
            f"names are there more than once, capitals aside: {listed(repeated)}",
            allowed="one name for one variable, conversion, index or outcome",
        )


def _check_single_kinds(top: TomlTable, variables: Mapping[str, Variable]) -> None:
    for kind in ("id", "weight"):
        names = [name for name, variable in variables.items() if variable.kind == kind]
        if len(names) > 1:
            top.fault(
                f"{len(names)} variables are of kind {kind!r}: {listed(names)}",
                allowed="at most one",
                remedy='declare the others as another kind, or list them in "ignore_columns"',
            )


def _check_labels(top: TomlTable, codebook: Codebook) -> None:
    # An index of a single item may well be called what the item is called.
    derived = [index.label for index in codebook.indices.values()]
    derived += [outcome.label for outcome in codebook.outcomes.values()]
    groups = {
        "variables": [
            *(variable.label for variable in codebook.variables.values()),
            *(conversion.label for conversion in codebook.conversions.values()),
        ],
        "indices and outcomes": derived,
    }
    for group, labels in groups.items():
        if repeated := duplicates(label for label in labels if label):
            top.fault(
                f"{group} share a label: {listed(repeated)}",
                remedy="give each its own; readers tell them apart by it",
            )


def _check_flags(top: TomlTable, codebook: Codebook) -> None:
    named = (codebook.variables, codebook.conversions, codebook.indices, codebook.outcomes)
    taken = [flag for flag in codebook.cleaning.flags if any(flag in group for group in named)]
    if taken:
        top.fault(
            f"rules of the table cleaning make columns of these names too: {listed(taken)}",
            remedy="give the variable, index or outcome another name",
        )
