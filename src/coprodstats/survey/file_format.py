"""How a survey file is written: the table ``file`` of a codebook, and what the name of a file says."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, cast, get_args

from coprodstats.errors import Fault, InputError, did_you_mean, listed
from coprodstats.survey.display import record_html
from coprodstats.survey.toml_table import TomlTable

Format = Literal["csv", "fixed", "sav", "por", "dta", "parquet", "xlsx", "ods"]
Decimal = Literal[".", ","]
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".asc": "fixed",
    ".sav": "sav",
    ".zsav": "sav",
    ".por": "por",
    ".dta": "dta",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    ".ods": "ods",
}
SHEETS: tuple[Format, ...] = ("xlsx", "ods")
PACKED = (".gz", ".zip")
_KEYS: dict[str, tuple[Format, ...]] = {
    "format": get_args(Format),
    "delimiter": ("csv",),
    "layout": ("csv", "fixed"),
    "decimal": ("csv", "fixed", *SHEETS),
    "encoding": ("csv", "fixed"),
    "trailing_delimiter": ("csv",),
    "sheet": SHEETS,
    "header_rows": SHEETS,
    "sha256": get_args(Format),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat:
    """How a survey file is written, as far as that is declared.

    Attributes
    ----------
    format
        The format; empty to go by the ending of the name.
    layout
        Name of the Triple-S page, beside the file, that says where its answers stand; needed for a file of
        fixed positions (``.asc``), and for a CSV file that comes with such a page.
    delimiter
        What separates fields: a comma, or a tab if the name ends in ``.tsv``, unless declared.
    decimal
        The decimal mark; empty if undeclared, which means a point where the file leaves no doubt.
    encoding
        Encoding of a text file.
    trailing_delimiter
        Whether every row ends with a delimiter that the header lacks.
    sheet
        Name of the sheet; empty if there is only one.
    header_rows
        Number of rows above the data; the last of them holds the names.
    sha256
        Hash of the file's bytes; empty if any file will do.

    Examples
    --------
    >>> FileFormat(delimiter=";", decimal=",", encoding="cp1252").header_rows
    1
    """

    format: Format | Literal[""] = ""
    layout: str = ""
    delimiter: str = ""
    decimal: Decimal | Literal[""] = ""
    encoding: str = "utf-8"
    trailing_delimiter: bool = False
    sheet: str = ""
    header_rows: int = 1
    sha256: str = ""

    def declared(self) -> tuple[str, ...]:
        """Return the names of the settings that differ from the usual ones.

        Examples
        --------
        >>> FileFormat(delimiter=";", decimal=",").declared()
        ('delimiter', 'decimal')
        """
        usual = FileFormat()
        return tuple(key for key in _KEYS if getattr(self, key) != getattr(usual, key))

    def _repr_html_(self) -> str:
        return record_html(self)


def read_file_format(table: TomlTable) -> FileFormat:
    """Read the table ``file`` of a codebook; faults are added to the table's list.

    Parameters
    ----------
    table
        The table; an absent one is empty.

    Examples
    --------
    >>> table = TomlTable("codebook.toml: file", {"delimiter": ";", "decimal": ","})
    >>> read_file_format(table).delimiter
    ';'
    """
    table.refuse_unknown(_KEYS)
    declared = FileFormat(
        format=cast("Format", table.choice("format", get_args(Format), "")),
        layout=table.text("layout"),
        delimiter=_delimiter(table),
        decimal=cast("Decimal", table.choice("decimal", get_args(Decimal), "")),
        encoding=_encoding(table),
        trailing_delimiter=table.flag("trailing_delimiter"),
        sheet=table.text("sheet"),
        header_rows=table.whole("header_rows") or 1,
        sha256=_sha256(table),
    )
    if declared.format:
        for key in declared.declared():
            if declared.format not in _KEYS[key]:
                table.fault(f"a file of format {declared.format!r} has none", key=key)
    if declared.decimal == "," and declared.delimiter == ",":
        table.fault("the delimiter and the decimal mark are the same", key="decimal")
    return declared


def format_of(name: str, declared: FileFormat) -> Format:
    """Return the format of a file by its name, ``.gz`` aside, or as declared.

    Parameters
    ----------
    name
        Name of the file.
    declared
        What the codebook says.

    Raises
    ------
    InputError
        If neither says a format that can be read, or what is declared belongs to another format.

    Examples
    --------
    >>> format_of("survey.csv.gz", FileFormat())
    'csv'
    """
    path = PurePath(name)
    suffix = PurePath(path.stem).suffix if path.suffix.lower() == ".gz" else path.suffix
    found = declared.format or SUFFIXES.get(suffix.lower())
    if not found:
        near = did_you_mean(suffix.lower(), SUFFIXES)
        fault = Fault(
            where=path.name,
            found=f"files that end in {suffix!r} can't be read",
            allowed=f"{listed(list(SUFFIXES), 20)}, each also as .gz or alone in a .zip",
            remedy=near or 'declare it in the codebook: [file] format = "csv"',
        )
        raise InputError(fault)
    if found == "fixed" and not declared.layout:
        fault = Fault(
            where=path.name,
            found="where the answers stand on a line is not declared",
            remedy='name the Triple-S page beside the file in the codebook: [file] layout = "survey.sss"',
        )
        raise InputError(fault)
    other = [key for key in declared.declared() if found not in _KEYS[key]]
    if other:
        told = f"the codebook declares {listed([f'file.{key}' for key in other])}"
        raise InputError(
            Fault(where=path.name, found=f"{told}, which a file of format {found!r} doesn't have")
        )
    return found


def codec(encoding: str) -> str:
    """Return the one name of an encoding that has several.

    Examples
    --------
    >>> codec("UTF8"), codec("Windows-1252")
    ('utf-8', 'cp1252')
    """
    return codecs.lookup(encoding).name


def _delimiter(table: TomlTable) -> str:
    if "delimiter" not in table:
        return ""
    # A tab is a character that other texts of a codebook may not hold.
    found = table.content["delimiter"]
    if found not in DELIMITERS:
        table.fault("this can't separate fields", key="delimiter", allowed='one of "," ";" "\\t" "|"')
        return ""
    return str(found)


def _encoding(table: TomlTable) -> str:
    text = table.text("encoding", "utf-8")
    try:
        codec = codecs.lookup(text)
        plain = codec._is_text_encoding  # noqa: SLF001
    except (LookupError, ValueError):
        plain = False
    if not plain:
        near = did_you_mean(text.lower(), ["utf-8", "utf-16", "cp1252", "latin-1", "cp1250", "cp1251"])
        table.fault(
            f"{text!r} is no encoding", key="encoding", allowed="such as utf-8, utf-16, cp1252", remedy=near
        )
        return "utf-8"
    return text


def _sha256(table: TomlTable) -> str:
    text = table.text("sha256")
    if text and not re.fullmatch(r"[0-9a-f]{64}", text):
        table.fault("this is no SHA-256", key="sha256", allowed="64 digits 0–9 and a–f")
        return ""
    return text
