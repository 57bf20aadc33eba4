"""Blocks of a CSV file read at once are what Python's csv module reads record by record."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coprodstats.errors import InputError
from coprodstats.survey import text_source as source_module
from coprodstats.survey.csv_block import plain_records
from coprodstats.survey.csv_file import read_csv
from coprodstats.survey.file_format import FileFormat
from coprodstats.survey.opening import OpenFile
from coprodstats.survey.text_source import text_source

# Cells of what CSV is made of, and characters of two and three bytes.
CELL = st.text(st.sampled_from(['"', ",", "\n", "\r", " ", "a", "1", "é", "\ufeff", "\u2028"]), max_size=5)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def opened(text: str, encoding: str = "utf-8") -> OpenFile:
    data = text.encode(encoding)
    return OpenFile(
        name="t.csv", plain_name="t.csv", stream=io.BytesIO(data), size=len(data), packed=io.BytesIO(data)
    )


def by_python(text: str, width: int) -> tuple[list[list[str]], list[int]] | None:
    """Return records and the lines that they begin on, or None if Python's csv, or the widths, object."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    records, lines, before = [], [], 0
    try:
        for record in reader:
            records.append(record)
            lines.append(before + 1)
            before = reader.line_num
    except csv.Error:
        return None
    rows = [record or [""] * width for record in records[1:]]
    return (rows, lines[1:]) if rows and all(len(row) == width for row in rows) else None


def check(text: str, width: int, encoding: str = "utf-8") -> None:
    expected = by_python(text, width)
    try:
        read = read_csv(opened(text, encoding), FileFormat(encoding=encoding))
    except InputError:
        assert expected is None
        return
    assert expected is not None
    rows, lines = expected
    columns = [[cell if cell.strip() else None for cell in column] for column in zip(*rows, strict=True)]
    assert list(read.table.columns.values()) == columns
    assert [read.line_of(row) for row in range(len(rows))] == lines


@settings(deadline=None, max_examples=120)
@given(
    rows=st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=9),
    end=ENDS,
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    block=st.sampled_from([1, 7, 30, 8 * 1024**2]),
    last=st.booleans(),
)
def test_written_tables_are_read_block_by_block(
    rows: list[list[str]], end: str, quoting: int, block: int, *, last: bool
) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=quoting, lineterminator=end).writerows([["a", "b"], *rows])  # type: ignore[arg-type]
    text = stream.getvalue() if last else stream.getvalue().removesuffix(end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "_BLOCK", block)
        check(text, 2)


@settings(deadline=None, max_examples=150)
@given(
    body=st.lists(st.sampled_from(['"', ",", "\n", "\r\n", "\r", "a", "é"]), min_size=1).map("".join),
    block=st.sampled_from([1, 5, 8 * 1024**2]),
)
@example(body='"a""b",c\n', block=1)
@example(body='a,"b\nc"\nd,e', block=1)
@example(body='5" nail,b\n"x",y\n', block=3)
def test_any_text_is_read_as_python_reads_it(body: str, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "_BLOCK", block)
        check("a,b\n" + body, 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252", "utf-8-sig"])
@pytest.mark.parametrize("block", [1, 3, 1000])
def test_encodings_are_cut_anywhere(encoding: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "_BLOCK", block)
    check('a,b\n"é, è",1\nü,"2\n3"\n', 2, encoding)


@given(
    text=st.text(st.sampled_from(["a", "\n", "\r", '"', "é", "\x0b", "\u2028"]), max_size=30),
    block=st.integers(1, 9),
)
def test_lines_and_blocks_make_up_the_text(text: str, block: int) -> None:
    data = text.encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "_BLOCK", block)
        lines = text_source(io.BytesIO(data), "utf-8")
        assert list(iter(lines.line, "")) == list(io.StringIO(text, newline=""))
        blocks = text_source(io.BytesIO(data), "utf-8")
        assert b"".join(iter(blocks.block, b"")) == data
    assert lines.n_lines == blocks.n_lines == len(list(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    ("block", "is_plain"),
    [
        (b'1,"a,b"\n', True),
        (b'1,"a\nb"\r\n', True),
        (b'1,"a""b"\n', True),
        (b'1,""\n', True),
        (b'1,a"b\n', False),  # a quote inside a field that isn't quoted
        (b'1,"a"b\n', False),
        (b'1,"a\n', False),
        (b"1,2\r3,4\n", False),  # lines of old systems
        (b"1,2\n\n", False),
        (b"1\n", False),
        ("\ufeff1,2\n".encode(), False),
    ],
)
def test_only_blocks_beyond_doubt_are_read_at_once(block: bytes, is_plain: bool) -> None:  # noqa: FBT001
    assert (plain_records(block, ",", 2, trailing=False) is not None) == is_plain
