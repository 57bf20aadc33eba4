"""Reading what a file says about its variables, whatever its format, without its answers if possible."""

from __future__ import annotations

from os import PathLike
from pathlib import PurePath

from coprodstats.survey.child_process import read_in_child
from coprodstats.survey.csv_file import csv_header
from coprodstats.survey.evidence import check_evidence
from coprodstats.survey.file_format import FileFormat, format_of
from coprodstats.survey.metadata import FileMetadata, VariableMetadata
from coprodstats.survey.metadata_pages import metadata_of_page
from coprodstats.survey.opening import OpenFile, open_survey_file
from coprodstats.survey.safe_xml import parse_xml
from coprodstats.survey.triple_s import Layout, layout_of_page

PAGES = (".xml", ".sss")
"""Endings of pages that describe another file."""


def read_metadata(path: str | PathLike[str], declared: FileFormat | None = None) -> FileMetadata:
    r"""Read what a survey file, or a page that comes with it, says about its variables.

    Parameters
    ----------
    path
        A survey file of any format that `read_survey` reads, or an XML page: DDI-Codebook or Triple-S.
    declared
        How the file is written, where its name doesn't say it.

    Returns
    -------
    FileMetadata
        Labels, values, missing codes and levels of measurement; names only, for a CSV file.

    Raises
    ------
    InputError
        If the file can't be read without guessing.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "survey.csv"
    ...     _ = path.write_text("id,trust\n1,2\n", encoding="utf-8")
    ...     said = read_metadata(path)
    >>> list(said.variables)
    ['id', 'trust']
    """
    declared = declared or FileFormat()
    with open_survey_file(path, sha256=declared.sha256) as file:
        if PurePath(file.plain_name).suffix.lower() in PAGES:
            return metadata_of_page(parse_xml(file.stream, file.name), file.name)
        return metadata_of(file, declared)


def read_layout(path: str | PathLike[str], *, root: str | PathLike[str] | None = None) -> Layout:
    """Read where the answers of a data file stand.

    Parameters
    ----------
    path
        A Triple-S page.
    root
        The folder that it must lie in, links followed; None if any place will do.

    Raises
    ------
    InputError
        If the page can't be read, or is no such page.
    """
    with open_survey_file(path, root=root) as file:
        return layout_of_page(parse_xml(file.stream, file.name), file.name)


def metadata_of(file: OpenFile, declared: FileFormat) -> FileMetadata:
    """Return what an open survey file says about its variables.

    Raises
    ------
    InputError
        If the file can't be read without guessing.
    """
    format_ = format_of(file.plain_name, declared)
    check_evidence(file, format_, declared.encoding)
    if format_ != "csv":
        return read_in_child(file, format_, declared, only_metadata=True)[1]
    names = csv_header(file, declared)
    variables = {name: VariableMetadata(name=name) for name in names}
    return FileMetadata(source=file.name, format="csv", variables=variables)
