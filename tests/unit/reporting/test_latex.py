from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprodstats.reporting.document import Document
from coprodstats.reporting.language import speaking
from coprodstats.reporting.latex import latex_files, latex_table, latex_text
from coprodstats.reporting.table import Cell, Column, Table

SIGNS = "ab1é \\{}$&#%_^~<>|\"'`[]*-,–—…’«»−∞\u202f="


def of(rows: list[list[str]], *, labels: list[str] | None = None, groups: tuple[str, ...] = ()) -> Table:
    names = labels or [f"Column {i}" for i in range(len(rows[0]))]
    columns = tuple(
        Column(key=f"c{i}", label=name, role="number" if i else "text") for i, name in enumerate(names)
    )
    cells = tuple(tuple(Cell(value=text, text=text) for text in row) for row in rows)
    words = {"key": "one", "title": "100% & more", "n": "12", "source": "Invented_data"}
    return Table(columns=columns, rows=cells, notes=("A note: 5% of $x$.",), groups=groups, **words)


def test_each_table_is_a_file_named_after_its_key(demo_document: Document) -> None:
    files = latex_files(demo_document, "report", {})
    assert list(files) == [f"tables/{table.key}.tex" for table in demo_document.tables()]


@given(st.text(alphabet=SIGNS, max_size=20))
def test_any_text_is_set_as_it_stands(office: ModuleType, text: str) -> None:
    # The reader fails at whatever LaTeX would take for a command.
    assert office.latex_text(latex_text(text)) == office.one_line(text)


def test_two_signs_are_not_set_as_one() -> None:
    assert latex_text("--,,''") == "-{}-,{},'{}'"


def test_a_table_has_the_rules_of_a_paper_and_its_notes_below() -> None:
    source = latex_table(of([["a", "1.5"], ["b", "−2"]]))
    order = [r"\caption{100\% \& more}", r"\label{tab:one}", r"\toprule", r"\midrule", r"\bottomrule"]
    order += [
        r"\end{tabular}",
        r"A note: 5\% of \$x\$.",
        r"\textbf{Based on:} 12",
        r"\textbf{Source:} Invented\_data",
    ]
    assert [source.index(part) for part in order] == sorted(source.index(part) for part in order)
    assert "|" not in source  # no vertical rules
    assert r"b & \ensuremath{-}2 \\" in source


def test_words_are_those_of_the_language_spoken() -> None:
    with speaking("fr"):
        assert r"\textbf{Base\,:} 12\par" in latex_table(of([["a", "1"]]))


def test_a_long_table_runs_over_pages_under_its_headers() -> None:
    source = latex_table(of([[f"row {i}", str(i)] for i in range(60)]))
    assert r"\begin{longtable}" in source
    assert r"\usepackage{longtable}" in source.split("\n")[0]
    assert source.count("Column 0 & Column 1") == 2


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdfLaTeX is not installed")
def test_latex_sets_every_table(demo_document: Document, tmp_path: Path) -> None:
    wide = [
        ["a long text that is broken into lines because it is so long", *["−1,234.5"] * 5] for _ in range(3)
    ]
    tables = [
        *demo_document.tables(),
        *(figure.table for figure in demo_document.figures()),
        of(wide, labels=["One", *[f"A label of some length {i}" for i in range(5)]], groups=("A", "A", "B")),
        of([[f"row {i} é «\u202fà\u202f» ²", str(i)] for i in range(60)]),
    ]
    packages = "".join(rf"\usepackage{p}" for p in ("[T1]{fontenc}", "{array}", "{booktabs}", "{longtable}"))
    body = "\n".join(latex_table(table) for table in tables)
    page = rf"\documentclass{{article}}{packages}\begin{{document}}{body}\end{{document}}"
    (tmp_path / "all.tex").write_text(page, encoding="utf-8")
    command = [
        "pdflatex",
        "-draftmode",
        "-no-shell-escape",
        "-interaction=nonstopmode",
        "-halt-on-error",
        "all.tex",
    ]
    # No fonts are made while a test runs.
    quiet = {**os.environ, "MKTEXPK": "0", "MKTEXTFM": "0"}
    done = subprocess.run(
        command, cwd=tmp_path, env=quiet, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
