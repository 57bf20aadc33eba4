"""Drawings as pictures: each shape stands where its numbers say, in its own colour."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from coprodstats.errors import ReportError
from coprodstats.reporting.figures import Figure
from coprodstats.reporting.picture import picture_size, png_from_svg

WHITE, RED, BLUE = (255, 255, 255), (255, 0, 0), (0, 0, 255)


def drawing(inner: str, box: str = "0 0 72 36") -> str:
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {spaces} viewBox="{box}">{inner}</svg>'


def pixels(inner: str) -> np.ndarray:
    """Return a drawing of 72 by 36 points on white, one pixel a point."""
    with Image.open(io.BytesIO(png_from_svg(drawing(inner), dpi=72))) as picture:
        paper = Image.new("RGBA", picture.size, WHITE)
        return np.asarray(Image.alpha_composite(paper, picture.convert("RGBA")).convert("RGB"))


def at(image: np.ndarray, x: int, y: int) -> tuple[int, ...]:
    return tuple(int(value) for value in image[y, x])


def test_a_picture_is_as_large_as_its_drawing() -> None:
    svg = drawing("", box="0 0 144 36")
    assert picture_size(svg) == (2.0, 0.5)
    with Image.open(io.BytesIO(png_from_svg(svg, dpi=100))) as picture:
        assert picture.size == (200, 50)
        # PNG counts whole pixels per metre.
        assert picture.info["dpi"] == pytest.approx((100, 100), abs=0.02)


def test_a_rectangle_stands_where_it_is_counted_from_the_upper_left() -> None:
    image = pixels('<rect x="10" y="5" width="20" height="10" fill="#FF0000" />')
    assert [at(image, 12, 7), at(image, 28, 13)] == [RED, RED]
    assert {at(image, x, y) for x, y in ((8, 7), (32, 7), (12, 3), (12, 17), (12, 28))} == {WHITE}


def test_a_path_is_filled_between_its_corners() -> None:
    image = pixels('<path d="M 0 0 L 36 0 L 36 36 L 0 36 z" fill="#0000FF" />')
    assert [at(image, 18, 18), at(image, 54, 18)] == [BLUE, WHITE]


def test_a_curve_bends_towards_its_control_points() -> None:
    # At half its length a curve from (0, 36) to (72, 36) by (0, 0) and (72, 0) is at (36, 9).
    image = pixels('<path d="M 0 36 C 0 0 72 0 72 36" fill="none" stroke="#FF0000" stroke-width="4" />')
    assert at(image, 36, 9) == RED
    assert at(image, 36, 20) == WHITE


def test_a_line_is_as_wide_as_it_says_and_dashes_leave_gaps() -> None:
    line = '<path d="M 0 18 L 72 18" stroke="#FF0000" stroke-width="6" {} />'
    whole = pixels(line.format(""))
    assert [at(whole, 40, y) for y in (13, 17, 22)] == [WHITE, RED, WHITE]
    dashed = pixels(line.format('stroke-dasharray="20,20"'))
    assert [at(dashed, x, 17) for x in (10, 30, 50)] == [RED, WHITE, RED]


def test_shapes_are_moved_enlarged_and_turned() -> None:
    box = '<rect width="10" height="5" fill="#FF0000" />'
    moved = pixels(f'<g transform="translate(40 10)">{box}</g>')
    assert [at(moved, 45, 12), at(moved, 5, 2)] == [RED, WHITE]
    larger = pixels(f'<g transform="scale(2)">{box}</g>')
    assert [at(larger, 17, 8), at(larger, 22, 8)] == [RED, WHITE]
    # A quarter turn to the right about the upper left corner, moved back into the picture.
    turned = pixels(f'<g transform="translate(30 0) rotate(90)">{box}</g>')
    assert [at(turned, 27, 8), at(turned, 35, 2)] == [RED, WHITE]


def test_what_is_referred_to_is_drawn_where_it_is_used() -> None:
    image = pixels(
        '<defs><path id="p" d="M 0 0 L 6 0 L 6 6 L 0 6 z" /></defs>'
        '<g fill="#0000FF"><use xlink:href="#p" x="20" y="10" /><use xlink:href="#p" x="50" y="10" /></g>'
    )
    assert [at(image, x, 13) for x in (3, 23, 40, 53)] == [WHITE, BLUE, WHITE, BLUE]


def test_a_clip_cuts_what_is_beyond_it() -> None:
    image = pixels(
        '<defs><clipPath id="c"><rect x="0" y="0" width="20" height="36" /></clipPath></defs>'
        '<g clip-path="url(#c)"><rect width="72" height="36" fill="#FF0000" /></g>'
    )
    assert [at(image, 10, 18), at(image, 30, 18)] == [RED, WHITE]


def test_opacity_lets_the_paper_through() -> None:
    image = pixels('<rect width="72" height="36" fill="#FF0000" fill-opacity="0.5" />')
    # Half red on white; the picture counts 255 steps.
    assert at(image, 36, 18)[0] == 255
    assert all(abs(value - 128) <= 2 for value in at(image, 36, 18)[1:])


@pytest.mark.parametrize(
    ("inner", "told"),
    [
        ("<text>words</text>", "it holds a text"),
        ('<image href="x.png" />', "it holds a image"),
        ('<path d="M 0 0 A 1 1 0 0 0 5 5" />', "a path has a step 'A'"),
        ('<g transform="skewX(10)"><path d="M 0 0 L 1 1" /></g>', "it is moved by skewX"),
    ],
)
def test_what_has_no_picture_is_refused(inner: str, told: str) -> None:
    with pytest.raises(ReportError, match=told):
        png_from_svg(drawing(inner))


def test_a_drawing_of_unknown_size_is_refused() -> None:
    with pytest.raises(ReportError, match="it has no view box"):
        png_from_svg(drawing("", box="5 5 72 36"))


def test_every_figure_has_the_same_picture_twice(drawn: dict[str, Figure]) -> None:
    for figure in drawn.values():
        again = png_from_svg.__wrapped__(figure.svg)
        assert again == png_from_svg(figure.svg)
        assert b"Software" not in again
        assert b"tIME" not in again


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_a_browser_draws_the_same_picture(drawn: dict[str, Figure], tmp_path: Path) -> None:
    svg = drawn["lines"].svg
    width, height = (round(96 * inches) for inches in picture_size(svg))
    page = f"<style>body{{margin:0}}svg{{width:{width}px;height:{height}px;display:block}}</style>{svg}"
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    options += [f"--window-size={width},{height + 200}", f"--screenshot={tmp_path}/shot.png"]
    command = ["chromium", *options, f"file://{tmp_path}/page.html"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    with Image.open(tmp_path / "shot.png") as shot:
        theirs = np.asarray(shot.convert("L").crop((0, 0, width, height)), dtype=float)
    with Image.open(io.BytesIO(png_from_svg(svg, dpi=96))) as picture:
        paper = Image.new("RGBA", picture.size, WHITE)
        ours = np.asarray(Image.alpha_composite(paper, picture.convert("RGBA")).convert("L"), dtype=float)
    # Edges are softened differently; elsewhere the two are the same.
    assert np.abs(theirs - ours).mean() < 2.0
    assert (np.abs(theirs - ours) < 40).mean() > 0.985
