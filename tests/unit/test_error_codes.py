"""Codes of errors: one for each class, of one shape, and all of them on the page that lists them."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from coprodstats import errors
from coprodstats.errors import CoprodstatsError

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
FAMILY = [
    found
    for found in vars(errors).values()
    if inspect.isclass(found) and issubclass(found, CoprodstatsError) and found is not CoprodstatsError
]


def test_no_two_classes_share_a_code_and_all_codes_have_one_shape() -> None:
    own = [family.__dict__.get("code", "") for family in FAMILY]
    assert len(set(own)) == len(FAMILY)
    assert [code for code in own if not re.fullmatch(r"E-[A-Z][0-9]{3}", code)] == []


def test_the_page_of_errors_is_that_of_the_present_source() -> None:
    # On a difference: python -m coprodstats.errors > docs/errors.md
    assert PAGE.read_text(encoding="utf-8") == errors.catalogue()


def test_the_page_names_every_class_once_with_its_code_and_exit_status() -> None:
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| E-")
    ]
    told = sorted((code, name, int(status)) for code, name, _, status, _ in rows)
    assert told == sorted((family.code, family.__name__, family.exit_status) for family in FAMILY)
    assert all(meaning.endswith(".") for *_, meaning in rows)


def test_the_page_names_every_warning_that_the_source_gives() -> None:
    given = {
        code
        for path in (PAGE.parents[1] / "src").rglob("*.py")
        if path.name != "errors.py"
        for code in re.findall(r"W-[A-Z][0-9]{3}", path.read_text(encoding="utf-8"))
    }
    assert given == set(errors.WARNINGS)
