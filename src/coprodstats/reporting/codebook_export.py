"""Writing a codebook in another form: table, TOML, DDI-Codebook XML, Markdown, HTML."""

from __future__ import annotations

from pathlib import Path

from coprodstats.errors import ArgumentError, Fault, ReportError, did_you_mean, listed
from coprodstats.reporting.codebook_page import codebook_html, codebook_markdown
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.codebook_table import codebook_csv
from coprodstats.survey.codebook_toml import codebook_toml
from coprodstats.survey.ddi import codebook_ddi
from coprodstats.survey.reading import read_survey

_PLAIN = {"csv": codebook_csv, "toml": codebook_toml}
_COUNTED = {"ddi": codebook_ddi, "md": codebook_markdown, "html": codebook_html}
FORMS = (*_PLAIN, *_COUNTED)


def export_codebook(codebook: str | Path, form: str, data: str | Path | None = None) -> str:
    r"""Return a codebook in another form.

    Parameters
    ----------
    codebook
        The codebook file.
    form
        ``"csv"`` or ``"toml"``, which `read_codebook` reads back; ``"ddi"``, ``"md"`` or ``"html"``.
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
        fault = Fault(
            where="form",
            found=f"{form!r} is not known",
            allowed=listed(FORMS),
            remedy=did_you_mean(form, FORMS),
        )
        raise ArgumentError(fault)
    if form in _PLAIN and data is not None:
        raise ArgumentError(
            Fault(where="data", found=f"{form!r} holds no counts", allowed=f"with {listed(list(_COUNTED))}")
        )
    declared = read_codebook(codebook)
    if form in _PLAIN:
        return _PLAIN[form](declared)
    return _COUNTED[form](declared, None if data is None else read_survey(data, declared))


def write_new(path: Path, text: str) -> None:
    """Write a new file.

    Raises
    ------
    ReportError
        If the file is there already or can't be written.
    """
    try:
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        fault = Fault(where=path.name, found="it is there already", remedy="choose another name with --out")
        raise ReportError(fault) from None
    except OSError as error:
        raise ReportError(Fault(where=path.name, found=f"it can't be written: {error.strerror}")) from error
