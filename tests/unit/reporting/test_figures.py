from __future__ import annotations

import re
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from coprodstats.errors import ArgumentError, ReportError
from coprodstats.reporting.figures import Caption, Figure, TermLabel, cleaning_flow, comparison_forest
from coprodstats.reporting.figures import canvas as cv
from coprodstats.reporting.figures.record import ALT_LENGTH
from coprodstats.reporting.language import say, speaking
from coprodstats.reporting.lettering import safe, text_width, wrapped
from coprodstats.reporting.style import COLLECTIVE, INDIVIDUAL, INK, SMALL_SIZE
from coprodstats.reporting.svg import finish_svg

KEYS = (
    *("forest", "lines", "levels", "sectors", "flow", "items", "ranks"),
    *("heat", "panels", "thresholds", "calibration", "weights"),
)
SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}href"


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314  (drawn by this test)


def words(key: str = "f") -> Caption:
    return Caption(key=key, title="Headline", subtitle="Measure", n="12 people", source="Invented")


@pytest.mark.parametrize("key", KEYS)
class TestEveryFigure:
    def test_is_well_formed_named_and_described(self, drawn: dict[str, Figure], key: str) -> None:
        root = parsed(drawn[key].svg)
        assert root.tag == f"{SVG}svg"
        assert root.get("role") == "img"
        title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
        assert title is not None
        assert description is not None
        assert title.get("id") == root.get("aria-labelledby") == f"{key}--title"
        assert description.get("id") == root.get("aria-describedby") == f"{key}--desc"
        assert (title.text, description.text) == (drawn[key].title, drawn[key].alt)

    def test_holds_only_shapes(self, drawn: dict[str, Figure], key: str) -> None:
        root = parsed(drawn[key].svg)
        tags = {element.tag.removeprefix(SVG) for element in root.iter()}
        assert tags <= {"svg", "g", "defs", "path", "use", "clipPath", "rect", "title", "desc"}
        names = {name for element in root.iter() for name in element.attrib}
        assert not {name for name in names if name.startswith("on") or name in ("style", "href")}

    def test_refers_only_to_its_own_ids(self, drawn: dict[str, Figure], key: str) -> None:
        root = parsed(drawn[key].svg)
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(set(ids)) == len(ids)
        assert all(str(one).startswith(f"{key}--") for one in ids)
        links = [element.get(XLINK) for element in root.iter() if element.get(XLINK)]
        links += [f"#{name}" for name in re.findall(r"url\(#([^)]+)\)", drawn[key].svg)]
        assert {str(link).removeprefix("#") for link in links} <= set(ids)

    def test_says_in_words_what_it_draws(self, drawn: dict[str, Figure], key: str) -> None:
        figure = drawn[key]
        assert 20 < len(figure.alt) <= ALT_LENGTH
        assert len(figure.description) >= len(figure.alt) * 0.5
        assert re.search(r"\d", figure.alt)

    def test_brings_its_numbers(self, drawn: dict[str, Figure], key: str) -> None:
        figure = drawn[key]
        assert len(figure.data) >= len(figure.table.rows) > 0
        assert figure.table.key == f"{key}-data"
        assert figure.table.n == figure.n

    def test_hides_no_clock_and_no_maker(self, drawn: dict[str, Figure], key: str) -> None:
        assert not re.search(r"(?i)matplotlib|dc:date|<!--|<metadata", drawn[key].svg)

    def test_is_french_where_french_is_spoken(
        self, demo: ModuleType, drawn: dict[str, Figure], key: str
    ) -> None:
        with speaking("fr"):
            french = getattr(demo, key)()
        assert french.svg != drawn[key].svg
        assert 20 < len(french.alt) <= ALT_LENGTH
        written = " ".join([french.alt, french.description, *(c.label for c in french.table.columns)])
        assert not re.search(r"\b(the|of|with|interval|from|share|above)\b", written)
        # A number and its sign are parted by a space at which no line breaks.
        assert not re.search(r"\d[ ]?%", written)

    def test_is_the_same_twice_and_leaves_the_settings_alone(
        self, demo: ModuleType, drawn: dict[str, Figure], key: str
    ) -> None:
        before = dict(mpl.rcParams)
        assert getattr(demo, key)().svg == drawn[key].svg
        assert dict(mpl.rcParams) == before


def forest(estimates: list[float], differences: list[float]) -> Figure:
    terms = [f"t{i}" for i in range(len(differences))]
    frame = pd.DataFrame(
        {"model": [INDIVIDUAL.name] * len(terms) + [COLLECTIVE.name] * len(terms), "term": terms * 2}
    )
    frame["estimate"] = estimates
    apart = pd.DataFrame({"term": terms, "difference": differences})
    frame = frame.assign(conf_low=frame["estimate"] - 0.01, conf_high=frame["estimate"] + 0.01)
    apart = apart.assign(conf_low=apart["difference"] - 0.01, conf_high=apart["difference"] + 0.01)
    return comparison_forest(
        frame, apart, words(), labels=[TermLabel(term=term, label=term.upper()) for term in terms]
    )


def marks(svg: str, colour: str) -> list[tuple[float, float]]:
    """Return where the points of a colour stand, in the order in which they were drawn."""
    root = parsed(svg)
    uses = [
        element for element in root.iter(f"{SVG}use") if element.get("fill", "").lower() == colour.lower()
    ]
    return [(float(use.get("x", "nan")), float(use.get("y", "nan"))) for use in uses]


def test_the_forest_draws_what_it_is_given() -> None:
    figure = forest([0.02, -0.04, 0.01, 0.03, 0.05, 0.0], [0.01, 0.09, -0.01])
    individual, collective = (marks(figure.svg, one.colour)[-3:] for one in (INDIVIDUAL, COLLECTIVE))
    apart = marks(figure.svg, INK)[-3:]
    places = [*individual, *collective]
    values = [0.02, -0.04, 0.01, 0.03, 0.05, 0.0]
    slope, start = np.polyfit(values, [x for x, _ in places], 1)
    assert slope > 0
    assert np.allclose([start + slope * v for v in values], [x for x, _ in places], atol=0.02)
    # A unit is as long on the right as on the left.
    assert np.polyfit([0.01, 0.09, -0.01], [x for x, _ in apart], 1)[0] == pytest.approx(slope, rel=1e-3)
    for (_, above), (_, below), (_, middle) in zip(individual, collective, apart, strict=True):
        assert above < middle < below
        assert middle == pytest.approx((above + below) / 2, abs=0.02)


def test_the_forest_counts_clear_differences() -> None:
    figure = forest([0.0] * 6, [0.02, 0.005, -0.09])
    assert figure.alt.startswith("2 of 3 differences between individual and collective")
    assert "T2, −9.0 (−10.0 to −8.0)" in figure.alt
    assert list(figure.data["difference_estimate"]) == [0.02, 0.005, -0.09]


def test_a_missing_interval_is_written_not_drawn() -> None:
    figure = forest([0.0, 0.01, np.nan, 0.02, 0.03, 0.01], [0.02, np.nan, 0.01])
    assert [cell.text for cell in figure.table.rows[1]][-1] == "[x]"


@pytest.mark.parametrize("n", [1, 8, 20])
def test_the_forest_grows_with_its_rows(n: int) -> None:
    root = parsed(forest([0.01] * 2 * n, [0.01] * n).svg)
    height = float(str(root.get("viewBox")).split()[3])
    assert height == pytest.approx(72 * (0.78 + 0.36 * n + 0.5), abs=0.1)


@pytest.mark.parametrize("label", ["B minus A", "what there is of B, less what there is of all of A"])
def test_the_heads_of_the_forest_do_not_touch(monkeypatch: pytest.MonkeyPatch, label: str) -> None:
    written: dict[str, tuple[float, float]] = {}
    write = cv.write

    def noted(axes: Axes, x: float, y: float, text: str, **look: Any) -> None:
        written[text] = x, y
        write(axes, x, y, text, **look)

    monkeypatch.setattr(cv, "write", noted)
    rows = pd.DataFrame({"model": [INDIVIDUAL.name, COLLECTIVE.name], "term": "age", "estimate": 0.1})
    rows = rows.assign(conf_low=0.0, conf_high=0.2, difference=0.0)
    comparison_forest(
        rows, rows[:1], words(), labels=[TermLabel(term="age", label="Age")], difference_label=label
    )
    (start, key_row), (end, head_row) = written[label], written[say("figures.interval_head")]
    ends = start + text_width(label)
    begins = end - text_width(say("figures.interval_head"), SMALL_SIZE)
    assert ends < cv.WIDTH
    assert head_row != key_row or ends + 0.1 < begins


def test_an_absent_term_is_named() -> None:
    frame = pd.DataFrame({"model": ["individual", "collective"], "term": "age", "estimate": 0.1})
    frame = frame.assign(conf_low=0.0, conf_high=0.2)
    apart = pd.DataFrame({"term": ["age"], "difference": [0.1], "conf_low": [0.0], "conf_high": [0.2]})
    with pytest.raises(ArgumentError, match="term 'gender' has no row in the frame"):
        comparison_forest(frame, apart, words(), labels=[TermLabel(term="gender", label="Women")])


def test_two_rows_of_one_term_are_refused() -> None:
    frame = pd.DataFrame({"model": "individual", "term": ["age", "age"], "estimate": 0.1})
    frame = frame.assign(conf_low=0.0, conf_high=0.2)
    with pytest.raises(ArgumentError, match="1 rows repeat another row's model, term"):
        comparison_forest(frame, frame, words(), labels=[TermLabel(term="age", label="Age")])


def test_columns_must_be_there_and_hold_numbers() -> None:
    frame = pd.DataFrame({"kind": ["in", "kept"], "label": ["a", "b"]})
    with pytest.raises(ArgumentError, match="no column 'rows'"):
        cleaning_flow(frame, words())
    with pytest.raises(ArgumentError, match="'rows' does not hold numbers"):
        cleaning_flow(frame.assign(rows="12"), words())


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([("In", 10), ("Out", 3), ("Kept", 8)], "7 rows are left, 8 are given"),
        ([("In", 10)], "do not go from one 'in' to a 'kept'"),
    ],
)
def test_a_flow_must_add_up(steps: list[tuple[str, int]], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        cleaning_flow(steps, words())


def test_a_flow_may_keep_rows_more_than_once() -> None:
    steps = pd.DataFrame(
        {
            "kind": ["in", "excluded", "kept", "excluded", "kept"],
            "label": list("abcde"),
            "rows": [100, 10, 90, 40, 50],
        }
    )
    assert cleaning_flow(steps, words()).alt == "Of 100 rows, 50 are kept (50.0%). Excluded: b, 10; d, 40."


def test_shares_must_add_up(demo: ModuleType) -> None:
    frame = pd.DataFrame(
        {"group": "g", "item": "i", "category": ["never", "sometimes", "often"], "estimate": 0.3}
    )
    with pytest.raises(ArgumentError, match="do not add up to 1 for i"):
        demo.item_bars(frame, words())


@pytest.mark.parametrize("name", ["title", "subtitle", "n", "source"])
def test_no_figure_without_its_words(name: str) -> None:
    arguments = {"key": "f", "title": "T", "subtitle": "S", "n": "N", "source": "S", name: ""}
    with pytest.raises(ArgumentError, match=f"the {name} is empty"):
        Caption(**arguments)


def test_an_alternative_text_has_a_length() -> None:
    with pytest.raises(ArgumentError, match="251 characters"):
        Caption(key="f", title="T", subtitle="S", n="N", source="S", alt="a" * 251)


def test_own_words_replace_those_made_from_numbers() -> None:
    own = Caption(key="f", title="T", subtitle="S", n="N", source="S", alt="Mine.", description="Mine, long.")
    figure = cleaning_flow([("In", 2), ("Kept", 2)], own)
    assert (figure.alt, figure.description) == ("Mine.", "Mine, long.")


def test_a_script_in_a_drawing_is_refused() -> None:
    raw = '<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
    with pytest.raises(ReportError, match="the drawing holds script"):
        finish_svg(raw, key="f", title="T", description="D")


def test_letters_without_a_shape_are_shown_as_such() -> None:
    assert safe("a市\tb\x00") == "a\N{REPLACEMENT CHARACTER} b\N{REPLACEMENT CHARACTER}"


def test_mathematics_in_labels_is_text() -> None:
    plain, dollars = (cleaning_flow([(label, 2), ("Kept", 2)], words()).svg for label in ("x_1", "$x_1$"))
    assert dollars.count("<use ") == plain.count("<use ") + 2


@pytest.mark.parametrize("width", [0.5, 1.0, 2.5])
def test_wrapped_lines_fit(width: float) -> None:
    lines = wrapped("Takes part in a neighbourhood safety group, internationalisation", width)
    assert all(text_width(line) <= width for line in lines)
    assert len(lines) > 1


def test_places_are_moved_apart_but_keep_their_order() -> None:
    moved = cv.spread([5.0, 4.9, 5.1, 50.0], 3.0)
    assert moved[1] < moved[0] < moved[2] < moved[3] == 50.0
    assert np.diff(sorted(moved)).min() == pytest.approx(3.0)


def test_a_french_drawing_is_the_same_twice(demo: ModuleType) -> None:
    with speaking("fr"):
        assert demo.heat().svg == demo.heat().svg
