"""A codebook as a workbook of one sheet, with one row per value, that `read_codebook` reads back."""

from __future__ import annotations

import csv
import io

import xlsxwriter

from coprodstats.reporting.zip_archive import core_properties, normalise_zip
from coprodstats.survey.codebook_table import codebook_csv
from coprodstats.survey.declarations import Codebook

_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_SHEET = "codebook"
_WIDTHS = {"label": 40, "question": 50, "value_label": 32, "missing_reason": 24}
_WIDTH = 14


def codebook_xlsx(codebook: Codebook) -> bytes:
    """Return the variables of a codebook as an XLSX file, the same bytes for the same codebook.

    Parameters
    ----------
    codebook
        The codebook. Its indices, outcomes and rules are no part of the table: declare them in a TOML file
        that ``extends`` it.

    Returns
    -------
    bytes
        A sheet with the columns of `codebook_csv`. All cells are text, so that code 007 stays 007.

    Examples
    --------
    >>> from coprodstats.survey.declarations import Variable
    >>> trust = Variable(name="trust", label="Trust", kind="ordinal", values={"1": "low", "2": "high"})
    >>> codebook_xlsx(Codebook(title="Town", synthetic=False, variables={"trust": trust}))[:2]
    b'PK'
    """
    header, *rows = csv.reader(io.StringIO(codebook_csv(codebook), newline=""))
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, _OPTIONS) as book:
        sheet = book.add_worksheet(_SHEET)
        plain = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        for position, name in enumerate(header):
            sheet.set_column(position, position, _WIDTHS.get(name, _WIDTH), plain)
        for number, row in enumerate(rows, start=1):
            for position, text in enumerate(row):
                if text:
                    sheet.write_string(number, position, text, plain)
        sheet.add_table(
            0,
            0,
            len(rows),
            len(header) - 1,
            {
                "name": _SHEET,
                "columns": [{"header": name} for name in header],
                "style": "Table Style Light 1",
            },
        )
        sheet.freeze_panes(1, 1)
    properties = core_properties(title=codebook.title, language="en")
    return normalise_zip(buffer.getvalue(), replace={"docProps/core.xml": properties})
