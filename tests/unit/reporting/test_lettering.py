"""Figures are lettered in matplotlib's own font, whatever fonts a machine has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.font_manager import FontProperties, findfont

from coprodstats.reporting import style
from coprodstats.reporting.figures.canvas import drawing

# Draws two words; before that the machine gets another font for every font that it has, or not.
DRAWN = """
import dataclasses, sys
from matplotlib import font_manager
if sys.argv[1] == "other":
    other = font_manager.fontManager.findfont("DejaVu Serif")
    found = [dataclasses.replace(entry, fname=str(other)) for entry in font_manager.fontManager.ttflist]
    font_manager.fontManager.ttflist[:] = found
    assert "Serif" in str(font_manager.findfont("DejaVu Sans"))
from coprodstats.reporting.figures.canvas import drawing, sheet
with drawing():
    paper, axes = sheet(1.0)
    axes.text(1, 0.5, "Some letters")
    axes.text(3, 0.5, "bold ones", fontweight="bold")
    paper.savefig(sys.stdout.buffer, format="svg", metadata={"Date": None})
"""


@pytest.mark.parametrize(("weight", "name"), [("normal", "DejaVuSans.ttf"), ("bold", "DejaVuSans-Bold.ttf")])
def test_the_font_is_matplotlibs_own(weight: str, name: str) -> None:
    with drawing():
        found = findfont(FontProperties(family=style.FONT, weight=weight), fallback_to_default=False)
    assert Path(str(found)) == Path(mpl.get_data_path()) / "fonts" / "ttf" / name


def test_fonts_of_the_machine_do_not_reach_a_figure() -> None:
    own, other = (
        subprocess.run([sys.executable, "-c", DRAWN, fonts], capture_output=True, check=True).stdout
        for fonts in ("own", "other")
    )
    assert b"<path" in own
    assert own == other
