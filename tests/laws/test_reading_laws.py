"""Laws of reading: what was written is read back; whatever a file holds, the error is one of our own."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from coprodstats.errors import CodebookError, InputError
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.csv_file import read_csv
from coprodstats.survey.declarations import Codebook, Variable
from coprodstats.survey.declared_variables import ALL_KEYS
from coprodstats.survey.file_format import FileFormat
from coprodstats.survey.opening import OpenFile
from coprodstats.survey.reading import read_survey
from coprodstats.survey.stat_file import code_text

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8)
CODEBOOK = Codebook(title="t", synthetic=False, variables={"q": Variable(name="q", label="q", kind="id")})


@settings(deadline=None, max_examples=200)
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6))
def test_a_table_written_by_another_program_is_read_back(rows: list[tuple[str, str]]) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b"), *rows])
    data = stream.getvalue().encode()
    file = OpenFile(
        name="t.csv", plain_name="t.csv", stream=io.BytesIO(data), size=len(data), packed=io.BytesIO(data)
    )
    table = read_csv(file, FileFormat()).table
    columns = zip(*rows, strict=True)
    expected = [[text if text.strip() else None for text in column] for column in columns]
    assert list(table.columns.values()) == expected


@settings(deadline=None, max_examples=300)
@given(data=st.binary(max_size=60) | TEXT.map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "survey.csv"
        path.write_bytes(b"q\n" + data)
        try:
            survey = read_survey(path, CODEBOOK)
        except InputError as error:
            assert error.faults  # noqa: PT017  (the law is that nothing else is raised)
        else:
            assert survey.n_rows >= 1


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_of_an_spss_file_keeps_its_value(number: float) -> None:
    assert float(code_text(number)) == number


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(part) for part in value) + "]"
    return str(value).lower() if isinstance(value, (bool, float)) else json.dumps(value)


WORDS = st.sampled_from(
    [
        "a",
        "b",
        "id",
        "ordinal",
        "numeric",
        "nominal",
        "weight",
        "any",
        "count",
        "bands",
        "error",
        "missing",
        "log",
        "",
    ]
)
KEYS = st.sampled_from(
    [
        *ALL_KEYS,
        "items",
        "min_answered",
        "min_share",
        "at_least",
        "at_most",
        "of",
        "cuts",
        "labels",
        "empty_rows",
    ]
)
SCALARS = st.one_of(WORDS, st.integers(-5, 100), st.just(10**400), st.floats(width=32), st.booleans())
LISTS = st.lists(SCALARS, max_size=3)
VALUES = SCALARS | LISTS | st.dictionaries(WORDS, SCALARS, max_size=3)
TABLES = st.dictionaries(WORDS, st.dictionaries(KEYS, VALUES, max_size=7) | SCALARS, max_size=3)
TOP = st.fixed_dictionaries(
    {},
    optional={
        "title": VALUES,
        "extends": VALUES,
        "synthetic": VALUES,
        "variables": TABLES | VALUES,
        "mappings": st.dictionaries(WORDS, st.dictionaries(WORDS, LISTS, max_size=2), max_size=2) | VALUES,
        "indices": TABLES | VALUES,
        "outcomes": TABLES | VALUES,
        "cleaning": st.dictionaries(KEYS, VALUES, max_size=4) | VALUES,
    },
)


@settings(deadline=None, max_examples=400)
@given(content=TOP)
def test_any_toml_is_a_codebook_or_refused(content: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "codebook.toml"
        path.write_text(
            "\n".join(f"{key} = {toml(value)}" for key, value in content.items()), encoding="utf-8"
        )
        try:
            codebook = read_codebook(path)
        except CodebookError as error:
            assert error.faults  # noqa: PT017  (the law is that nothing else is raised)
        else:
            assert codebook.variables
