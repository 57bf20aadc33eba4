"""Codebooks as DDI-Codebook 2.5, the XML that data archives keep.

Elements are those of the DDI Alliance's specification; `read_metadata` reads the same ones back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from coprodstats.survey.codebook_counts import Line, codebook_lines
from coprodstats.survey.declarations import NUMBERS, Codebook, Variable
from coprodstats.survey.reading import SurveyData

NAMESPACE = "ddi:codebook:2_5"
_NATURES = {"nominal": "nominal", "ordinal": "ordinal", "numeric": "interval"}


def codebook_ddi(codebook: Codebook, survey: SurveyData | None = None) -> str:
    """Return the variables of a codebook as a DDI-Codebook 2.5 page.

    Parameters
    ----------
    codebook
        The codebook.
    survey
        The survey as it was read, for the numbers of rows with each code; small ones are left out.

    Returns
    -------
    str
        XML. Dates are left out, so that the same codebook gives the same bytes.

    Examples
    --------
    >>> trust = Variable(name="trust", label="Trust", kind="ordinal", values={"1": "low", "2": "high"})
    >>> page = codebook_ddi(Codebook(title="Town", synthetic=False, variables={"trust": trust}))
    >>> "<catValu>1</catValu>" in page
    True
    """
    root = ET.Element("codeBook", {"xmlns": NAMESPACE, "version": "2.5"})
    study = ET.SubElement(root, "stdyDscr")
    title = ET.SubElement(ET.SubElement(study, "citation"), "titlStmt")
    ET.SubElement(title, "titl").text = codebook.title
    if survey is not None:
        text = ET.SubElement(ET.SubElement(root, "fileDscr"), "fileTxt")
        ET.SubElement(text, "fileName").text = survey.source
        ET.SubElement(ET.SubElement(text, "dimensns"), "caseQnty").text = str(survey.n_rows)
    data = ET.SubElement(root, "dataDscr")
    lines = codebook_lines(codebook, survey)
    for position, variable in enumerate(codebook.variables.values(), start=1):
        data.append(_variable(variable, lines[variable.name], f"V{position}"))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _variable(variable: Variable, lines: Sequence[Line], key: str) -> ET.Element:
    facts: Mapping[str, str] = {"ID": key, "name": variable.file_column}
    if variable.kind in _NATURES:
        facts = {**facts, "nature": _NATURES[variable.kind]}
    if variable.kind == "weight":
        facts = {**facts, "wgt": "wgt"}
    element = ET.Element("var", dict(facts))
    ET.SubElement(element, "labl").text = variable.label
    if variable.question:
        ET.SubElement(ET.SubElement(element, "qstn"), "qstnLit").text = variable.question
    if variable.range is not None:
        low, high = (f"{end:g}" for end in variable.range)
        ET.SubElement(ET.SubElement(element, "valrng"), "range", {"min": low, "max": high})
    if variable.missing:
        invalid = ET.SubElement(element, "invalrng")
        for code in variable.missing:
            ET.SubElement(invalid, "item", {"VALUE": code})
    for before, codes in variable.asked_if.items():
        universe = ET.SubElement(element, "universe", {"clusion": "I"})
        universe.text = f"Asked if {before} is {' or '.join(codes)}"
    for line in lines:
        if line.code:
            element.append(_category(line))
    kind = "numeric" if variable.kind in NUMBERS else "character"
    ET.SubElement(element, "varFormat", {"type": kind})
    return element


def _category(line: Line) -> ET.Element:
    element = ET.Element("catgry", {"missing": "Y"} if line.kind == "missing" else {})
    ET.SubElement(element, "catValu").text = line.code
    ET.SubElement(element, "labl").text = line.label
    if line.count is not None:
        ET.SubElement(element, "catStat", {"type": "freq"}).text = str(line.count)
    return element
