"""Codebooks as tables, one row per value: read from CSV and spreadsheets, written as CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coprodstats.errors import Fault, InputError, did_you_mean, listed
from coprodstats.survey.declarations import Codebook, Variable
from coprodstats.survey.draft_reading import read_cells
from coprodstats.survey.numbers import as_number
from coprodstats.survey.toml_lines import OPEN
from coprodstats.survey.toml_lines import Path as KeyPath
from coprodstats.survey.toml_table import is_whole

TABLES = (".csv", ".tsv", ".xlsx", ".ods")
"""Endings of files that hold a codebook as a table."""
_VALUE = ("code", "value_label", "missing_reason", "order")
_NUMBERS = ("range_low", "range_high", "step")
_JSON = ("scores", "recode", "collapse", "asked_if")
_TEXTS = ("column", "label", "question", "kind")
COLUMNS = ("variable", *_TEXTS, *_VALUE, *_NUMBERS[:2], "unit", "step", "step_label", "reverse",
           "undeclared", "out_of_range", "not_a_number", *_JSON)  # fmt: skip
"""The columns of such a table; only ``variable`` has to be there. The last four hold JSON."""
_COMMA = re.compile(r"^([+-]?[0-9]+),([0-9]+)$")
_TRUE, _FALSE = {"true", "yes", "1"}, {"false", "no", "0"}


@dataclass(slots=True)
class _Rows:
    """Rows of one variable: what they say about it, and its values."""

    name: str
    content: dict[str, Any] = field(default_factory=dict)
    ordered: list[tuple[float, str, str]] = field(default_factory=list)


def parse_table(file: Path) -> tuple[dict[str, Any], bytes, list[Fault], dict[KeyPath, str]]:
    """Read a codebook from a table.

    Parameters
    ----------
    file
        A CSV file, or a workbook of one sheet.

    Returns
    -------
    tuple
        What a TOML codebook would hold, the bytes of the file, faults with the number of the row (the header
        is row 1), and key to file and row.
    """
    try:
        cells = read_cells(file)
        raw = file.read_bytes()
    except InputError as error:
        return {}, b"", list(error.faults), {}
    faults = _header_faults(list(map(str, cells.columns)), file.name)
    if faults:
        return {}, raw, faults, {}
    variables: dict[str, _Rows] = {}
    places: dict[KeyPath, str] = {}
    records = cells.astype(object).where(cells.notna(), "").to_dict("records")
    for row, record in enumerate(records, start=2):
        entry = {str(key): str(cell).strip() for key, cell in record.items()}
        if not any(entry.values()):
            continue
        where = f"{file.name}, row {row}"
        name = entry.pop("variable")
        if not name:
            faults.append(
                Fault(where=where, found="the cell 'variable' is empty", allowed="a name in each row")
            )
            continue
        places.setdefault(("variables", name), where)
        _take(variables.setdefault(name, _Rows(name=name)), entry, where, faults)
        code = entry.get("code", "")
        for key in ("values", "missing"):
            places.setdefault(("variables", name, key, code), where)
    faults += _open_faults(variables, places)
    content = {name: _content(rows) for name, rows in variables.items()}
    return ({"variables": content} if not faults else {}), raw, faults, places


def _header_faults(header: list[str], name: str) -> list[Fault]:
    unknown = [column for column in header if column not in COLUMNS]
    faults = [
        Fault(
            where=f"{name}, row 1",
            found=f"{column!r} is no column of a codebook",
            allowed=listed(COLUMNS, 20),
            remedy=did_you_mean(column, COLUMNS),
        )
        for column in unknown
    ]
    if "variable" not in header:
        faults.append(Fault(where=f"{name}, row 1", found="there is no column 'variable'"))
    return faults


def _take(rows: _Rows, entry: Mapping[str, str], where: str, faults: list[Fault]) -> None:
    """Take what one row says; what contradicts earlier rows of the variable is a fault."""
    place = f"{where}: variables.{rows.name}"
    for key, text in entry.items():
        if key in _VALUE or not text:
            continue
        value, allowed = _typed(key, text)
        if allowed:
            faults.append(Fault(where=f"{place}.{key}", found="the cell can't be used", allowed=allowed))
        elif rows.content.setdefault(key, value) != value:
            remedy = "say it once, or the same in every row of the variable"
            faults.append(Fault(where=f"{place}.{key}", found="another row says otherwise", remedy=remedy))
    if entry.get("code"):
        _take_value(rows, entry, place, faults)
    elif filled := [key for key in _VALUE[1:] if entry.get(key)]:
        faults.append(Fault(where=place, found=f"there is no code for {listed(filled)}"))


def _typed(key: str, text: str) -> tuple[Any, str]:
    """Return a cell as TOML would hold it, and what is allowed if it can't be used."""
    if key in _NUMBERS:
        number = as_number(_COMMA.sub(r"\1.\2", text))
        return number, "" if number is not None else "a number such as 42.5"
    if key == "reverse":
        known = text.casefold() in _TRUE | _FALSE
        return text.casefold() in _TRUE, "" if known else "true or false"
    if key in _JSON:
        try:
            return json.loads(text), ""
        except ValueError:
            return None, 'JSON, such as {"helps": ["1", "2"]}'
    return text, ""


def _take_value(rows: _Rows, entry: Mapping[str, str], place: str, faults: list[Fault]) -> None:
    code, label, reason = entry["code"], entry.get("value_label", ""), entry.get("missing_reason", "")
    values: dict[str, str] = rows.content.setdefault("values", {})
    missing: dict[str, str] = rows.content.setdefault("missing", {})
    if code in values or code in missing:
        faults.append(Fault(where=place, found=f"code {code!r} has two rows", remedy="keep one of them"))
        return
    if bool(label) == bool(reason):
        found = "both a label and a reason" if label else "neither a label nor a reason"
        allowed = "value_label for an answer, missing_reason for a missing one"
        faults.append(Fault(where=place, found=f"code {code!r} has {found}", allowed=allowed))
        return
    if reason:
        missing[code] = reason
        return
    values[code] = label
    order = as_number(entry["order"]) if entry.get("order") else float(len(values))
    if order is None:
        faults.append(Fault(where=f"{place}.order", found="the cell is no number"))
    rows.ordered.append((order or 0.0, code, label))


def _open_faults(variables: Mapping[str, _Rows], places: Mapping[KeyPath, str]) -> list[Fault]:
    """Return a fault for every cell that still holds a question mark."""
    found = []
    for name, rows in variables.items():
        pairs = [(f"variables.{name}.{key}", value) for key, value in rows.content.items()]
        for table in ("values", "missing"):
            pairs += [(f"variables.{name}.{table}.{c}", t) for c, t in rows.content.get(table, {}).items()]
        for path, value in pairs:
            if value == OPEN:
                parts = tuple(path.split(".", 3))
                place = places.get(parts) or places["variables", name]
                remedy = f'write the answer in place of "{OPEN}"'
                found.append(Fault(where=f"{place}: {path}", found="a question is open", remedy=remedy))
    return found


def _content(rows: _Rows) -> dict[str, Any]:
    content = {key: value for key, value in rows.content.items() if value not in ({}, "")}
    if rows.ordered:
        content["values"] = {code: label for _, code, label in sorted(rows.ordered, key=lambda one: one[0])}
    ends = [content.pop(key, None) for key in ("range_low", "range_high")]
    if ends != [None, None]:
        content["range"] = [end for end in ends if end is not None]
    return content


def codebook_csv(codebook: Codebook) -> str:
    """Return the variables of a codebook as a table, one row per value.

    Parameters
    ----------
    codebook
        The codebook. Its indices, outcomes and rules are no part of the table: declare them in a TOML file
        that ``extends`` it.

    Returns
    -------
    str
        CSV with the header of `COLUMNS`, which `read_codebook` reads back to the same variables.

    Examples
    --------
    >>> trust = Variable(name="trust", label="Trust", kind="ordinal", values={"1": "low", "2": "high"})
    >>> codebook = Codebook(title="", synthetic=False, variables={"trust": trust})
    >>> print(codebook_csv(codebook).splitlines()[1].rstrip(","))
    trust,,Trust,,ordinal,1,low,,1
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    for variable in codebook.variables.values():
        rows = list(_rows_of(variable))
        for position, row in enumerate(rows):
            facts = _facts(variable) if not position else {"kind": variable.kind}
            writer.writerow({"variable": variable.name, **facts, **row})
    return text.getvalue()


def _rows_of(variable: Variable) -> Iterator[dict[str, str]]:
    # `reverse` turns the values round again when the table is read.
    values = list(variable.values.items())
    for position, (code, label) in enumerate(reversed(values) if variable.reverse else values):
        yield {"code": code, "value_label": label, "order": str(position + 1)}
    for code, reason in variable.missing.items():
        yield {"code": code, "missing_reason": reason}
    if not variable.values and not variable.missing:
        yield {}


def _facts(variable: Variable) -> dict[str, str]:
    """Return what one row says about a variable, usual settings left out."""
    facts = {key: getattr(variable, key) for key in _TEXTS}
    if variable.range is not None:
        facts |= {"range_low": _number(variable.range[0]), "range_high": _number(variable.range[1])}
    if variable.reverse:
        facts["reverse"] = "true"
    step = _number(variable.step) if variable.step != 1 else ""
    facts |= {"unit": variable.unit, "step": step, "step_label": variable.step_label}
    for key in ("undeclared", "out_of_range", "not_a_number"):
        facts[key] = "missing" if getattr(variable, key) == "missing" else ""
    for key in _JSON:
        if held := getattr(variable, key, None):
            facts[key] = json.dumps(held, ensure_ascii=False, default=list)
    return facts


def _number(value: float) -> str:
    return str(int(value)) if is_whole(value) or float(value).is_integer() else repr(float(value))
