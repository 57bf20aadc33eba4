"""The explorer in a real browser: what a reader sees is what the models predict, and no network is needed."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.models.joint import event_predictions, predicted_differences
from coprodstats.models.results import FittedModel
from coprodstats.reporting import format as fmt
from coprodstats.reporting.document import Document, ExplorerBlock, Section
from coprodstats.reporting.explored import Explorer, LevelControl, NumberControl, explored_model, shared_plan
from coprodstats.reporting.html import render_html
from coprodstats.reporting.language import say, speaking
from coprodstats.reporting.table import Column, Table

PROFILES = 200
LEVELS = {"gender": ("man", "woman"), "place": ("</script><b>", "east", "west & “co”")}
CONTROLS = (
    NumberControl(name="age", label="Age", unit="years", low=20, high=85, step=1, start=47, digits=0),
    LevelControl(
        name="gender", label="Gender", options=tuple((g, g.upper()) for g in LEVELS["gender"]), start="woman"
    ),
    NumberControl(name="belief", label="Belief", unit="", low=0, high=1, step=0.05, start=0.35, digits=2),
    LevelControl(name="place", label="Place", options=tuple((p, p) for p in LEVELS["place"]), start="east"),
)
TYPICAL = {"age": 47.0, "gender": "woman", "belief": 0.35, "place": "east", "year": 1962.0, "job": "yes"}
FORMULAS = (
    "age + gender + belief + place + year + job",
    "age * gender + belief * place + year * age + job * belief + job * place",
)
CHOOSE = """
profiles => {
  const form = document.querySelector(".explorer form");
  return profiles.map(profile => {
    for (const [name, value] of Object.entries(profile)) form.elements[name].value = value;
    form.dispatchEvent(new Event("input", {bubbles: true}));
    const texts = query => [...document.querySelectorAll(query)].map(e => e.textContent);
    return {
      chosen: Object.fromEntries(Object.keys(profile).map(name => [name, form.elements[name].value])),
      estimates: texts(".estimate"), intervals: texts(".interval"),
    };
  });
}
"""


@dataclass(frozen=True)
class Case:
    """Two models, their events, and the language of the page."""

    models: tuple[FittedModel, FittedModel]
    starts: tuple[int, int]
    language: str

    @property
    def df(self) -> float:
        return 29.0

    def explorer(self) -> Explorer:
        return Explorer(
            controls=CONTROLS,
            labels=("Individual", "Collective"),
            events=("to <b>help</b>", "to join"),
            held="year: 1962",
            **explored_model(
                self.models, self.starts, typical=TYPICAL, chosen=[c.name for c in CONTROLS], df=self.df
            ),
        )

    def document(self) -> Document:
        table = Table.from_frame(
            pd.DataFrame({"profile": ["typical"], "share": [0.5]}),
            [Column(key="profile", label="Profile"), Column(key="share", label="Share", role="percent")],
            key="profiles", title="Typical profiles", n="800 people", source="Invented",
        )  # fmt: skip
        block = ExplorerBlock(table=table, explorer=self.explorer())
        section = Section(key="explorer", heading="Explorer", blocks=(block,))
        return Document(title="Explorer", sections=(section,), language=self.language)

    def expected(self, profiles: pd.DataFrame) -> list[tuple[list[str], list[str]]]:
        """Return estimates and intervals as the report writes what `predict` and the joint model give."""
        frames = [event_predictions(m, s, profiles) for m, s in zip(self.models, self.starts, strict=True)]
        frames.append(predicted_differences(self.models, profiles, starts=self.starts, df=self.df))
        ends = ("conf_low", "conf_high")
        written = []
        with speaking(self.language):
            for rows in zip(*(frame.to_dict("records") for frame in frames), strict=True):
                estimates = [fmt.percent(row["estimate"], 1) for row in rows[:2]]
                intervals = [fmt.percent_interval(row[ends[0]], row[ends[1]], 1) for row in rows[:2]]
                estimates.append(fmt.points(rows[2]["estimate"]))
                intervals.append(fmt.points_interval(rows[2][ends[0]], rows[2][ends[1]]))
                written.append((estimates, [say("explorer.interval", interval=i) for i in intervals]))
        return written


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = 1200
    unit = np.arange(n) % 40
    drawn = pd.DataFrame(
        {
            "age": rng.integers(18, 90, n).astype(float),
            "gender": pd.Categorical(rng.choice(LEVELS["gender"], n)),
            "belief": rng.uniform(0, 1, n).round(2),
            "place": pd.Categorical(rng.choice(LEVELS["place"], n)),
            "year": rng.integers(1920, 2000, n).astype(float),
            "job": pd.Categorical(rng.choice(["no", "yes"], n)),
            "w": rng.uniform(0.5, 2.0, n),
            "s": unit % 10,
            "p": unit,
        }
    )
    lean = rng.normal(0, 0.5, 40)[unit] + 0.02 * (drawn["age"] - 50) + drawn["belief"]
    drawn["helps"] = (lean + rng.logistic(size=n) > 0.5).astype(int)
    drawn["joins"] = (0.5 - lean + rng.logistic(size=n) > 1).astype(int)
    drawn.loc[::7, "joins"] = np.nan
    for name, shift in (("help_often", 0.0), ("join_often", 1.0)):
        codes = np.digitize(lean - shift + rng.logistic(size=n), [-0.5, 0.5, 2.0])
        drawn[name] = pd.Categorical.from_codes(codes, ["never", "rarely", "often", "always"], ordered=True)
    return drawn


@pytest.fixture(scope="module")
def cases(frame: pd.DataFrame) -> dict[str, Case]:
    design = cps.SurveyDesign(weights="w", strata="s", psu="p")
    logit = [cps.logit(f"{y} ~ {FORMULAS[0]}", frame, design=design) for y in ("helps", "joins")]
    ordinal = [cps.ologit(f"{y} ~ {FORMULAS[1]}", frame) for y in ("help_often", "join_often")]
    return {
        "logistic": Case((logit[0], logit[1]), (1, 1), "en"),
        "ordinal with products": Case((ordinal[0], ordinal[1]), (2, 1), "fr"),
    }


@pytest.fixture(scope="module")
def profiles() -> pd.DataFrame:
    rng = np.random.default_rng(200)
    return pd.DataFrame(
        {
            "age": rng.integers(20, 86, PROFILES).astype(float),
            "gender": rng.choice(LEVELS["gender"], PROFILES),
            "belief": (rng.integers(0, 21, PROFILES) / 20).round(2),
            "place": rng.choice(LEVELS["place"], PROFILES),
            "year": TYPICAL["year"],
            "job": TYPICAL["job"],
        }
    )


def opened(page: Any, document: Document, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(render_html(document), encoding="utf-8")
    page.open(file)


@pytest.mark.parametrize("name", ["logistic", "ordinal with products"])
def test_it_shows_what_predict_gives_for_200_random_profiles(
    page: Any, cases: dict[str, Case], profiles: pd.DataFrame, tmp_path: Path, name: str
) -> None:
    case = cases[name]
    opened(page, case.document(), tmp_path)
    wanted = profiles[[c.name for c in CONTROLS]].to_dict("records")
    shown = page.evaluate(f"({CHOOSE})({json.dumps(wanted)})")
    # The browser keeps the values asked for, so that it is these profiles that are compared.
    assert [
        {n: type(v)(s["chosen"][n]) for n, v in p.items()} for p, s in zip(wanted, shown, strict=True)
    ] == wanted
    assert [(s["estimates"], s["intervals"]) for s in shown] == case.expected(profiles)
    assert page.messages == []
    assert page.requests == [(tmp_path / "page.html").as_uri()]


def test_it_starts_with_the_typical_profile_and_goes_back_to_it(
    page: Any, cases: dict[str, Case], profiles: pd.DataFrame, tmp_path: Path
) -> None:
    case = cases["logistic"]
    opened(page, case.document(), tmp_path)
    at_first = case.expected(pd.DataFrame([TYPICAL]))[0][0]
    texts = "[...document.querySelectorAll('.estimate')].map(e => e.textContent)"
    assert page.evaluate(texts) == at_first
    page.evaluate(f"({CHOOSE})({json.dumps(profiles.head(1)[['age', 'gender']].to_dict('records'))})")
    assert page.evaluate(texts) != at_first
    page.evaluate("document.querySelector('.explorer button').click()")
    # The page computes anew once the form has been set back.
    page.wait_for(f"{texts}[0] === {json.dumps(at_first[0])}")
    assert page.evaluate(texts) == at_first


def test_keys_move_a_slider_and_a_screen_reader_is_told(
    page: Any, cases: dict[str, Case], tmp_path: Path
) -> None:
    case = cases["logistic"]
    opened(page, case.document(), tmp_path)
    page.evaluate("document.querySelector('.explorer input').focus()")
    page.press("End")
    page.press("ArrowLeft")
    slider = page.evaluate(
        "(i => [i.value, i.getAttribute('aria-valuetext')])(document.querySelector('.explorer input'))"
    )
    assert slider == ["84", "84 years"]
    first, second, difference = case.expected(pd.DataFrame([TYPICAL | {"age": 84.0}]))[0][0]
    told = f"Individual: {first}. Collective: {second}. Difference: {difference} percentage points."
    page.wait_for(f"document.querySelector('[role=status]').textContent === {json.dumps(told)}")


def test_without_script_the_table_of_profiles_is_all_there_is(
    program: str, cases: dict[str, Case], tmp_path: Path
) -> None:
    with sys.modules["chromium"].chromium(program) as page:
        page.without_script()
        opened(page, cases["logistic"].document(), tmp_path)
        shown = "getComputedStyle(document.querySelector('{}')).display"
        assert page.evaluate(shown.format(".explorer")) == "none"
        assert page.evaluate(shown.format("table")) == "table"


def test_the_page_holds_parameters_and_nobodys_answers(cases: dict[str, Case]) -> None:
    case = cases["logistic"]
    explorer = case.explorer()
    p = len(explorer.products)
    assert (len(explorer.coefficients), len(explorer.covariance)) == (2, 2 * p)
    # An intercept, age, woman, belief and two places: the year and the job are within the intercept.
    assert p == 6
    assert len(render_html(case.document())) < 60_000
    assert explorer == case.explorer()


@pytest.mark.parametrize(
    "formula",
    ["bs(age, df=4) + gender", "log(age) + gender", "center(age) + gender", "age + gender, link=probit"],
)
def test_what_a_browser_could_not_do_alike_has_no_shared_plan(frame: pd.DataFrame, formula: str) -> None:
    terms, _, link = formula.partition(", link=")
    fit = {"link": link} if link else {}
    models = [cps.ologit(f"{y} ~ {terms}", frame, **fit) for y in ("help_often", "join_often")]
    assert shared_plan(models) is None


def test_models_of_other_predictors_have_no_shared_plan(frame: pd.DataFrame) -> None:
    assert shared_plan([cps.logit("helps ~ age", frame), cps.logit("joins ~ belief", frame)]) is None
    same = [cps.logit("helps ~ age", frame), cps.logit("joins ~ age", frame)]
    assert shared_plan(same) is not None
    assert shared_plan([same[0], replace(same[1], covariance="model")]) is None
