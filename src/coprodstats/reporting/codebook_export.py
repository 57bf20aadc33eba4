"""Writing a codebook in another form: table, workbook, TOML, DDI-Codebook XML, Markdown, HTML."""

from __future__ import annotations

from pathlib import Path

from coprodstats.errors import ArgumentError, Fault, ReportError, did_you_mean, listed
from coprodstats.reporting.codebook_page import codebook_html, codebook_markdown
from coprodstats.reporting.codebook_workbook import codebook_xlsx
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.codebook_table import codebook_csv
from coprodstats.survey.codebook_toml import codebook_toml
from coprodstats.survey.ddi import codebook_ddi
from coprodstats.survey.declarations import Codebook
from coprodstats.survey.reading import read_survey

_PLAIN = {"csv": codebook_csv, "toml": codebook_toml}
_TABLES = ("csv", "xlsx")
_COUNTED = {"ddi": codebook_ddi, "md": codebook_markdown, "html": codebook_html}
FORMS = (*_PLAIN, *_COUNTED)
"""Forms that are texts; a workbook is one more."""
WORKBOOK = "xlsx"
_BESIDE = ("conversions", "mappings", "indices", "outcomes", "cleaning", "sampling", "file", "harmonise")


def export_codebook(codebook: str | Path, form: str, data: str | Path | None = None) -> str:
    r"""Return a codebook in another form.

    Parameters
    ----------
    codebook
        The codebook file.
    form
        ``"csv"`` (its variables) or ``"toml"`` (all of it), which `read_codebook` reads back; ``"ddi"``,
        ``"md"`` or ``"html"``. `export_workbook` makes a workbook.
    data
        A survey file, whose rows are counted by code in the last three forms.

    Returns
    -------
    str
        The text, which holds no clock and no path.

    Raises
    ------
    ArgumentError
        If the form isn't known, or holds no counts and a survey file is given.
    CodebookError
        If the codebook can't be used.
    InputError
        If the survey can't be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> text = '[variables.sex]\nlabel = "Sex"\nkind = "nominal"\nvalues = { 1 = "man", 2 = "woman" }'
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "codebook.toml"
    ...     _ = path.write_text(text)
    ...     print(export_codebook(path, "md").splitlines()[4])
    ## sex: Sex
    """
    if form not in FORMS:
        near = "export_workbook(codebook)" if form == WORKBOOK else did_you_mean(form, FORMS)
        found = f"{form!r} is no text" if form == WORKBOOK else f"{form!r} is not known"
        raise ArgumentError(Fault(where="form", found=found, allowed=listed(FORMS), remedy=near))
    if form in _PLAIN and data is not None:
        raise ArgumentError(
            Fault(where="data", found=f"{form!r} holds no counts", allowed=f"with {listed(list(_COUNTED))}")
        )
    declared = read_codebook(codebook)
    if form in _PLAIN:
        return _PLAIN[form](declared)
    return _COUNTED[form](declared, None if data is None else read_survey(data, declared))


def export_workbook(codebook: str | Path) -> bytes:
    """Return the variables of a codebook as an XLSX file, which `read_codebook` reads back.

    Parameters
    ----------
    codebook
        The codebook file.

    Raises
    ------
    CodebookError
        If the codebook can't be used.
    """
    return codebook_xlsx(read_codebook(codebook))


def left_out(codebook: str | Path, form: str) -> tuple[str, ...]:
    """Return what of a codebook a form has no room for: the names of its tables.

    Parameters
    ----------
    codebook
        The codebook file.
    form
        As for `export_codebook`, or ``"xlsx"``.

    Raises
    ------
    CodebookError
        If the codebook can't be used.
    """
    if form not in _TABLES:
        return ()
    declared = read_codebook(codebook)
    usual = Codebook(title="", synthetic=False, variables={})
    names = [name for name in _BESIDE if getattr(declared, name) != getattr(usual, name)]
    return tuple("design" if name == "sampling" else name for name in names)


def write_new(path: Path, content: str | bytes) -> None:
    """Write a new file.

    Raises
    ------
    ReportError
        If the file is there already or can't be written.
    """
    try:
        with path.open("xb") as stream:
            stream.write(content.encode("utf-8") if isinstance(content, str) else content)
    except FileExistsError:
        fault = Fault(where=path.name, found="it is there already", remedy="choose another name with --out")
        raise ReportError(fault) from None
    except OSError as error:
        raise ReportError(Fault(where=path.name, found=f"it can't be written: {error.strerror}")) from error
