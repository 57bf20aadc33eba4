"""The certified problems: data made by whole-number arithmetic, bit for bit the same everywhere.

Every number of the data is a whole number, or one divided by a power of two, so that binary floating point
holds it exactly and the certified values are those of the data that a fit sees. Draws are made by a linear
congruential generator in Python's integers; no logarithm, no library's random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

import pandas as pd

# A column of a design matrix is a product of parts: a variable to a power, or a mark for one of its levels.
Part = tuple[str, int | str]
Columns = dict[str, tuple[Part, ...]]
Data = dict[str, list]

EDUCATION = ("primary", "secondary", "tertiary")
REGION = ("north", "east", "south", "west")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """One model of a problem: what a user writes, and what its columns are."""

    outcome: str
    formula: str
    columns: Columns
    link: str = "logit"
    domain: str | None = None  # a column of 0 and 1
    event: str | None = None  # compare: this category or a higher one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """Data, a design, one model or two, and what is certified beyond estimates and standard errors."""

    name: str
    about: str
    make: Callable[[], Data]
    models: tuple[Model, ...]
    covariance: Literal["design", "robust", "model"] = "design"
    weights: str | None = "weight"
    strata: str | None = "stratum"
    psu: str | None = "psu"
    fpc: str | None = None
    lonely_psu: str = "error"
    margins: tuple[str, ...] = ("delta",)
    compare: tuple[str, ...] = ()  # "coefficient", "margin", "margin unconditional"
    parallel: bool = False

    def data(self) -> Data:
        """Return the columns of the data as lists."""
        return self.make()

    def categories(self, model: Model) -> list[str]:
        """Return an outcome's categories, lowest first."""
        return sorted(set(self.data()[model.outcome]))

    def frame(self) -> pd.DataFrame:
        """Return the data with factors and ordered outcomes, as a user would hold them."""
        frame = pd.DataFrame(self.data())
        for name, levels in (("education", EDUCATION), ("region", REGION)):
            frame[name] = pd.Categorical(frame[name], categories=levels)
        for model in self.models:
            if model.outcome not in _BINARY:
                levels = self.categories(model)
                frame[model.outcome] = pd.Categorical(frame[model.outcome], categories=levels, ordered=True)
        return frame


# --- data ---


def _draws(seed: int) -> Iterator[int]:
    """Yield whole numbers of 31 bits (Knuth's MMIX constants)."""
    state = seed
    while True:
        state = (6364136223846793005 * state + 1442695040888963407) % 2**64
        yield state >> 33


def _bell(draws: Iterator[int]) -> int:
    """Return a symmetric draw with standard deviation 1,000 or so."""
    return sum(next(draws) % 1001 for _ in range(12)) - 6000


def _graded(latent: list[int], shares: tuple[int, ...]) -> list[str]:
    """Return categories c1, c2, … of a latent score, each with its share of the rows in per cent."""
    ordered = sorted(latent)
    ends = [ordered[len(latent) * sum(shares[: k + 1]) // 100] for k in range(len(shares) - 1)]
    return [f"c{1 + sum(value >= end for end in ends)}" for value in latent]


_BINARY = ("helps", "joins", "rare", "parted")


@cache
def survey(n: int, seed: int, shares: tuple[int, ...] = (30, 40, 30), psus: int = 5) -> Data:
    """Return a survey of ``n`` respondents in 8 strata of ``psus`` PSUs, with several outcomes.

    Respondents of a PSU share a part of each latent score, so that clusters matter; weights go with
    age, so that they matter too.
    """
    draws = _draws(seed)
    n_psu = 8 * psus
    moods = [(next(draws) % 1201 - 600, next(draws) % 1201 - 600) for _ in range(n_psu)]
    data: Data = {name: [] for name in (
        "stratum", "psu", "population", "weight", "count", "age", "birth_year", "female", "efficacy",
        "income", "income_1e8", "income_small", "education", "region", "young", "member",
    )}  # fmt: skip
    one, two = [], []
    for i in range(n):
        c = i % n_psu
        age = 18 + next(draws) % 68
        female, eighths = next(draws) % 2, next(draws) % 41
        income = next(draws) % 4001 + next(draws) % 4001
        education, region = next(draws) % 3, next(draws) % 4
        data["stratum"].append(f"s{c % 8}")
        data["psu"].append(f"p{c:02d}")
        data["population"].append(6 * psus + c % 8)
        data["weight"].append((4 + next(draws) % 40 + (age % 7) * 3) / 4)
        data["count"].append(1 + next(draws) % 4)
        data["age"].append(age)
        data["birth_year"].append(2008 - age)
        data["female"].append(female)
        data["efficacy"].append(eighths / 8)
        data["income"].append(income / 4)
        data["income_1e8"].append(income * 25_000_000)  # a quarter times 1e8
        data["income_small"].append(income / 2**36)
        data["education"].append(EDUCATION[education])
        data["region"].append(REGION[region])
        data["young"].append(int(age < 45))
        common = _bell(draws)
        one.append(
            11 * (age - 50) + 260 * female + 14 * eighths + 160 * education - 90 * region + income // 40
            + moods[c][0] + common // 2 + _bell(draws)
        )  # fmt: skip
        two.append(
            -8 * (age - 50) - (age - 50) ** 2 // 3 + 60 * female + 30 * eighths + 90 * education
            + income // 25 + moods[c][1] + common // 2 + _bell(draws)
        )  # fmt: skip
        data["member"].append(int(next(draws) % 8 == 0))
    data["individual"], data["collective"] = _graded(one, shares), _graded(two, shares)
    ordered_one, ordered_two = sorted(one), sorted(two)
    data["helps"] = [int(v >= ordered_one[n // 2]) for v in one]
    data["joins"] = [int(v >= ordered_two[2 * n // 3]) for v in two]
    data["rare"] = [int(v >= ordered_two[n - max(8, n // 50)]) for v in two]
    return data


def nearly_separated(n: int, seed: int, swapped: int) -> Data:
    """Return a survey whose outcomes follow efficacy and age exactly, but for a few swapped respondents."""
    data = dict(survey(n, seed))
    score = [800 * e + 10 * a for e, a in zip(data["efficacy"], data["age"], strict=True)]
    order = sorted(range(n), key=lambda i: (score[i], i))
    rank = {row: place for place, row in enumerate(order)}
    middle = n // 2
    # The pairs closest to the middle change sides: one that is above it reads as below, and the other way.
    swaps = {middle - 1 - 3 * k: middle + 1 + 3 * k for k in range(swapped)}
    swaps |= {above: below for below, above in swaps.items()}
    places = [swaps.get(rank[i], rank[i]) for i in range(n)]
    data["parted"] = [int(place >= middle) for place in places]
    third = n // 3
    swaps = {edge - 1 - 3 * k: edge + 1 + 3 * k for edge in (third, 2 * third) for k in range(swapped)}
    swaps |= {above: below for below, above in swaps.items()}
    places = [swaps.get(rank[i], rank[i]) for i in range(n)]
    data["graded"] = [f"c{1 + min(place // third, 2)}" for place in places]
    return data


def almost_all_members(n: int, seed: int) -> Data:
    """Return a survey in which every member helps, all but one, and no member is in the lowest category."""
    data = dict(survey(n, seed))
    members = [i for i, m in enumerate(data["member"]) if m]
    helps, grades = list(data["helps"]), list(data["individual"])
    for i in members:
        helps[i], grades[i] = 1, "c3"
    helps[members[0]], grades[members[0]] = 0, "c1"
    return data | {"helps": helps, "individual": grades}


def sparse_middle(n: int, seed: int) -> Data:
    """Return a survey in which two respondents are in the middle category."""
    data = dict(survey(n, seed, (45, 10, 45)))
    middle = [i for i, g in enumerate(data["individual"]) if g == "c2"]
    grades = list(data["individual"])
    for place, i in enumerate(middle):
        if place >= 2:
            grades[i] = "c1" if place % 2 else "c3"
    return data | {"individual": grades}


def lonely(n: int, seed: int) -> Data:
    """Return a survey in which one stratum has a single PSU."""
    data = dict(survey(n, seed))
    return data | {
        "psu": [p if s != "s3" else "p03" for p, s in zip(data["psu"], data["stratum"], strict=True)]
    }


# --- models ---


def _plain(*names: str) -> Columns:
    return {name: ((name, 1),) for name in names}


def _marks(factor: str, levels: tuple[str, ...]) -> Columns:
    return {f"{factor}[T.{level}]": ((factor, level),) for level in levels[1:]}


BASE = _plain("age", "female", "efficacy")
BASE_FORMULA = "age + female + efficacy"
YEARS = {
    "birth_year": (("birth_year", 1),),
    "I(birth_year ** 2)": (("birth_year", 2),),
    "efficacy": (("efficacy", 1),),
}
YEARS_FORMULA = "birth_year + I(birth_year ** 2) + efficacy"
FACTORS = {**BASE, **_marks("education", EDUCATION), **_marks("region", REGION)}
FACTORS_FORMULA = f"{BASE_FORMULA} + education + region"
TOGETHER = {
    **_plain("age", "efficacy"),
    **_marks("education", EDUCATION),
    "age:efficacy": (("age", 1), ("efficacy", 1)),
    **{f"education[T.{level}]:efficacy": (("education", level), ("efficacy", 1)) for level in EDUCATION[1:]},
}
TOGETHER_FORMULA = "age * efficacy + education + education:efficacy"


def _model(outcome: str, right: str = BASE_FORMULA, columns: Columns | None = None, **kwargs: str) -> Model:
    return Model(outcome=outcome, formula=f"{outcome} ~ {right}", columns=columns or BASE, **kwargs)


def _by_link(link: str, shares: tuple[int, ...], seed: int) -> Problem:
    return Problem(
        name=f"ordinal_{link}",
        about=f"{len(shares)} categories, {link} link, under a design",
        make=lambda: survey(300, seed, shares),
        models=(_model("individual", link=link),),
    )


SIMPLE = {"weights": None, "strata": None, "psu": None}
FOUR, FIVE, SIX, SEVEN = (
    (20, 30, 30, 20),
    (10, 20, 30, 25, 15),
    (10, 15, 25, 25, 15, 10),
    (8, 12, 18, 24, 18, 12, 8),
)

PROBLEMS: tuple[Problem, ...] = (
    Problem(
        name="binary_fifty", about="50 respondents, robust", make=lambda: survey(50, 11),
        models=(_model("helps"),), covariance="robust", **SIMPLE,
    ),
    Problem(
        name="binary_model", about="unweighted, inverse information", make=lambda: survey(200, 12),
        models=(_model("joins"),), covariance="model", **SIMPLE,
    ),
    Problem(
        name="binary_counts", about="weights as counts, inverse information", make=lambda: survey(150, 13),
        models=(_model("joins"),), covariance="model", weights="count", strata=None, psu=None,
    ),
    Problem(
        name="binary_weights", about="weights, robust", make=lambda: survey(250, 14),
        models=(_model("helps"),), covariance="robust", strata=None, psu=None,
        margins=("delta", "unconditional"),
    ),
    Problem(
        name="binary_survey", about="weights, strata, PSUs", make=lambda: survey(400, 15),
        models=(_model("helps", FACTORS_FORMULA, FACTORS),), margins=("delta", "unconditional"),
    ),
    Problem(
        name="binary_fpc", about="the same, finite population of PSUs", make=lambda: survey(300, 16),
        models=(_model("joins"),), fpc="population", margins=("delta", "unconditional"),
    ),
    Problem(
        name="binary_domain", about="respondents under 45 in the design of all", make=lambda: survey(500, 17),
        models=(_model("helps", domain="young"),), margins=("delta", "unconditional"),
    ),
    Problem(
        name="binary_lonely", about="a stratum with one PSU, adjusted", make=lambda: lonely(300, 18),
        models=(_model("helps"),), lonely_psu="adjust",
    ),
    Problem(
        name="binary_years", about="birth year and its square", make=lambda: survey(400, 19),
        models=(_model("joins", YEARS_FORMULA, YEARS),), margins=("delta", "unconditional"),
    ),
    Problem(
        name="binary_scale", about="incomes times 1e8 and divided by 2^34", make=lambda: survey(300, 20),
        models=(
            _model("helps", "age + income_1e8", _plain("age", "income_1e8")),
            _model("joins", "age + income_small", _plain("age", "income_small")),
        ),
    ),
    Problem(
        name="binary_together", about="interactions of numbers and a factor", make=lambda: survey(400, 21),
        models=(_model("helps", TOGETHER_FORMULA, TOGETHER),), margins=("delta", "unconditional"),
    ),
    Problem(
        name="binary_rare", about="2 % events", make=lambda: survey(900, 22),
        models=(_model("rare"),),
    ),
    Problem(
        name="binary_near", about="two respondents short of separation",
        make=lambda: nearly_separated(200, 23, 1),
        models=(_model("parted", "efficacy + age", _plain("efficacy", "age")),),
    ),
    Problem(
        name="binary_member", about="every member but one helps", make=lambda: almost_all_members(300, 24),
        models=(_model("helps", "age + member", _plain("age", "member")),),
    ),
    Problem(
        name="ordinal_fifty", about="3 categories, 50 respondents, robust", make=lambda: survey(50, 31),
        models=(_model("individual"),), covariance="robust", **SIMPLE,
    ),
    Problem(
        name="ordinal_model", about="3 categories, unweighted, inverse information",
        make=lambda: survey(200, 32), models=(_model("collective"),), covariance="model", **SIMPLE,
        parallel=True,
    ),
    Problem(
        name="ordinal_counts", about="4 categories, weights as counts, inverse information",
        make=lambda: survey(150, 33, FOUR), models=(_model("collective"),), covariance="model",
        weights="count", strata=None, psu=None, parallel=True,
    ),
    Problem(
        name="ordinal_weights", about="4 categories, weights, robust", make=lambda: survey(250, 34, FOUR),
        models=(_model("individual"),), covariance="robust", strata=None, psu=None,
        margins=("delta", "unconditional"), parallel=True,
    ),
    Problem(
        name="ordinal_survey", about="4 categories, weights, strata, PSUs, factors",
        make=lambda: survey(400, 35, FOUR), models=(_model("individual", FACTORS_FORMULA, FACTORS),),
        margins=("delta", "unconditional"), parallel=True,
    ),
    Problem(
        name="ordinal_large", about="5 categories, 1,000 respondents",
        make=lambda: survey(1000, 36, FIVE, 10),
        models=(_model("collective", FACTORS_FORMULA, FACTORS),), margins=("delta",), parallel=True,
    ),
    Problem(
        name="ordinal_fpc", about="6 categories, finite population of PSUs",
        make=lambda: survey(300, 37, SIX), models=(_model("individual"),), fpc="population",
    ),
    Problem(
        name="ordinal_seven", about="7 categories", make=lambda: survey(600, 38, SEVEN),
        models=(_model("collective"),),
    ),
    Problem(
        name="ordinal_domain", about="5 categories, respondents under 45", make=lambda: survey(600, 39, FIVE),
        models=(_model("individual", domain="young"),), margins=("delta", "unconditional"),
    ),
    Problem(
        name="ordinal_years", about="3 categories, birth year and its square", make=lambda: survey(400, 40),
        models=(_model("collective", YEARS_FORMULA, YEARS),), margins=("delta", "unconditional"),
        parallel=True,
    ),
    Problem(
        name="ordinal_scale", about="4 categories, incomes times 1e8 and divided by 2^34",
        make=lambda: survey(300, 41, FOUR),
        models=(
            _model("individual", "age + income_1e8", _plain("age", "income_1e8")),
            _model("collective", "age + income_small", _plain("age", "income_small")),
        ),
    ),
    Problem(
        name="ordinal_near", about="3 categories, four respondents short of separation",
        make=lambda: nearly_separated(240, 42, 1),
        models=(_model("graded", "efficacy + age", _plain("efficacy", "age")),),
    ),
    Problem(
        name="ordinal_member", about="3 categories, every member but one in the highest",
        make=lambda: almost_all_members(300, 43),
        models=(_model("individual", "age + member", _plain("age", "member")),),
    ),
    Problem(
        name="ordinal_sparse", about="two respondents in the middle category",
        make=lambda: sparse_middle(300, 44), models=(_model("individual"),),
    ),
    Problem(
        name="ordinal_together", about="4 categories, interactions", make=lambda: survey(400, 45, FOUR),
        models=(_model("individual", TOGETHER_FORMULA, TOGETHER),), margins=("delta", "unconditional"),
    ),
    _by_link("probit", FOUR, 46),
    _by_link("cloglog", (30, 40, 30), 47),
    _by_link("loglog", FOUR, 48),
    _by_link("cauchit", (30, 40, 30), 49),
    Problem(
        name="compare_binary", about="two binary outcomes, strata and PSUs", make=lambda: survey(400, 51),
        models=(_model("helps", FACTORS_FORMULA, FACTORS), _model("joins", FACTORS_FORMULA, FACTORS)),
        margins=(), compare=("coefficient", "margin", "margin unconditional"),
    ),
    Problem(
        name="compare_samples", about="two binary outcomes, one of them among the young, finite population",
        make=lambda: survey(500, 52),
        models=(_model("helps"), _model("joins", domain="young")), fpc="population",
        margins=(), compare=("coefficient", "margin"),
    ),
    Problem(
        name="compare_ordinal", about="two outcomes of 4 categories, upper two as the event",
        make=lambda: survey(400, 53, FOUR),
        models=(_model("individual", event="c3"), _model("collective", event="c3")),
        margins=(), compare=("coefficient", "margin", "margin unconditional"),
    ),
    Problem(
        name="compare_mixed", about="a binary and an ordinal outcome with birth year and its square, robust",
        make=lambda: survey(300, 54),
        models=(
            _model("helps", YEARS_FORMULA, YEARS),
            _model("collective", YEARS_FORMULA, YEARS, event="c2"),
        ),
        covariance="robust", strata=None, psu=None,
        margins=(), compare=("coefficient", "margin"),
    ),
)  # fmt: skip


def problem(name: str) -> Problem:
    """Return a problem by its name."""
    return next(p for p in PROBLEMS if p.name == name)
