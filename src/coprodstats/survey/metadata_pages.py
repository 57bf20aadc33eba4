"""Pages of metadata that come with a survey file: DDI-Codebook and Triple-S.

Elements are those of DDI-Codebook 2.5 (DDI Alliance) and of the Triple-S XML standard, versions 1.1 to 3.0.
"""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import Element

from coprodstats.errors import Fault, FormatError
from coprodstats.survey.metadata import FileMetadata, Level, ValueType, VariableMetadata
from coprodstats.survey.numbers import as_number
from coprodstats.survey.safe_xml import text_of

_NATURES: dict[str, Level] = {
    "nominal": "nominal",
    "ordinal": "ordinal",
    "interval": "scale",
    "ratio": "scale",
}
_TRIPLE_S_TYPES: dict[str, tuple[ValueType, Level]] = {
    "single": ("number", "nominal"),
    "multiple": ("number", "nominal"),
    "quantity": ("number", "scale"),
    "character": ("text", "unknown"),
    "logical": ("number", "nominal"),
    "date": ("date", "unknown"),
    "time": ("date", "unknown"),
}


def metadata_of_page(root: Element, name: str) -> FileMetadata:
    """Return what a page of metadata says.

    Parameters
    ----------
    root
        The root of the page.
    name
        What messages call the file.

    Raises
    ------
    FormatError
        If the page is neither DDI-Codebook nor Triple-S, or describes no variable.
    """
    if root.tag == "codeBook":
        found = _from_ddi(root, name)
    elif root.tag == "sss":
        found = _from_triple_s(root, name)
    else:
        told = f"the page is neither DDI-Codebook nor Triple-S: its root is <{root.tag}>"
        raise FormatError(Fault(where=name, found=told, allowed="<codeBook> or <sss>"))
    if not found.variables:
        raise FormatError(Fault(where=name, found="the page describes no variable"))
    return found


def _from_ddi(root: Element, name: str) -> FileMetadata:
    variables = {}
    weight = ""
    for element in root.findall("dataDscr/var"):
        variable = _ddi_variable(element)
        variables[variable.name] = variable
        if element.get("wgt") == "wgt":
            weight = weight or variable.name
    count = text_of(root.find("fileDscr/fileTxt/dimensns/caseQnty"))
    return FileMetadata(
        source=name,
        format="ddi",
        variables=variables,
        title=text_of(root.find("stdyDscr/citation/titlStmt/titl")),
        n_rows=int(count) if count.isascii() and count.isdigit() and len(count) < 12 else None,
        weight=weight,
        notes=tuple(text for note in root.findall("stdyDscr/notes") if (text := text_of(note))),
    )


def _ddi_variable(element: Element) -> VariableMetadata:
    values, missing = {}, []
    for category in element.findall("catgry"):
        code = text_of(category.find("catValu"))
        if not code:
            continue
        values[code] = text_of(category.find("labl"))
        if category.get("missing") == "Y":
            missing.append(code)
    ranges = []
    missing += [code for item in element.findall("invalrng/item") if (code := item.get("VALUE", ""))]
    for limits in element.findall("invalrng/range"):
        low, high = (as_number(limits.get(end, "")) for end in ("min", "max"))
        if low is not None and high is not None:
            ranges.append((low, high))
    shown = element.find("varFormat")
    kind = "" if shown is None else shown.get("type", "")
    dated = shown is not None and shown.get("category") in {"date", "time"}
    type_: ValueType = {"numeric": "number", "character": "text"}.get(kind, "unknown")  # type: ignore[assignment]
    return VariableMetadata(
        name=element.get("name", ""),
        label=text_of(element.find("labl")),
        type="date" if dated else type_,
        level=_NATURES.get(element.get("nature", ""), "unknown"),
        values=values,
        missing=tuple(dict.fromkeys(missing)),
        missing_ranges=tuple(ranges),
        format="" if shown is None else shown.get("formatname", ""),
        question=text_of(element.find("qstn/qstnLit")),
    )


def _from_triple_s(root: Element, name: str) -> FileMetadata:
    variables: dict[str, VariableMetadata] = {}
    weight = ""
    for element in root.findall("survey/record/variable"):
        type_, level = _TRIPLE_S_TYPES.get(element.get("type", ""), ("unknown", "unknown"))
        column = text_of(element.find("name"))
        values = {
            code: text_of(value)
            for value in element.findall("values/value")
            if (code := value.get("code", ""))
        }
        said = VariableMetadata(
            name=column,
            label=text_of(element.find("label")),
            type=type_,
            level=level,
            values=values,
            format=element.get("type", ""),
        )
        variables |= {one.name: one for one in (_each(said) if said.format == "multiple" else [said])}
        if element.get("use") == "weight":
            weight = weight or column
    return FileMetadata(
        source=name,
        format="triple-s",
        variables=variables,
        title=text_of(root.find("survey/title")),
        weight=weight,
    )


def _each(said: VariableMetadata) -> list[VariableMetadata]:
    """Return a question with several answers as it is read: one column for each of them."""
    return [
        replace(
            said, name=f"{said.name}_{code}", label=f"{said.label}: {label}", values={"0": "no", "1": "yes"}
        )
        for code, label in said.values.items()
    ]
