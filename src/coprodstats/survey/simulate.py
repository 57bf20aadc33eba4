"""Draw a survey whose truth is declared, independently of the code that fits models.

A drawn survey stands for no country and no year: what is estimated from it checks software, never
the literature. The recipe is that of a stratified two-stage sample: regions are strata, municipalities
are primary sampling units (PSUs), and two correlated propensities, to co-produce individually and
collectively, decide the answers to fifteen activity items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from coprodstats.errors import ArgumentError, Fault
from coprodstats.survey.planted_truth import Effects, Truth

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Ints: TypeAlias = npt.NDArray[np.int64]
Rows: TypeAlias = npt.NDArray[np.intp]

COUNTRIES = ("CZ", "DK", "FR", "DE", "UK")
SECTORS = ("saf", "env", "hlt")
TOPICS = ("outcome", "performance", "information", "consultation")

_REGIONS = 6
_PSU_SIZE = 21
_AGE_MEAN, _AGE_SD = 49.5, 16.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """One activity item: which propensity it shows, how strongly, and how common it is."""

    name: str
    role: str
    loading: float
    never: float
    often: float

    @property
    def sector(self) -> int:
        return SECTORS.index(self.name[:3])


def _item(name: str, loading: float, never: float, often: float) -> _Item:
    role = "collective" if name.endswith("_group") else "individual"
    return _Item(name=name, role=role, loading=loading, never=never, often=often)


_ITEMS = (
    _item("saf_lock", 0.45, 0.05, 0.81),
    _item("saf_neigh", 0.60, 0.23, 0.38),
    _item("saf_advice", 0.55, 0.48, 0.14),
    _item("saf_intervene", 0.50, 0.32, 0.22),
    _item("saf_group", 0.80, 0.84, 0.02),
    _item("env_recycle", 0.55, 0.06, 0.76),
    _item("env_save", 0.55, 0.07, 0.65),
    _item("env_travel", 0.45, 0.27, 0.36),
    _item("env_encourage", 0.60, 0.35, 0.25),
    _item("env_group", 0.80, 0.825, 0.025),
    _item("hlt_check", 0.50, 0.20, 0.45),
    _item("hlt_diet", 0.60, 0.09, 0.55),
    _item("hlt_exercise", 0.55, 0.16, 0.48),
    _item("hlt_care", 0.55, 0.12, 0.52),
    _item("hlt_group", 0.80, 0.85, 0.02),
)
ACTIVITY_ITEMS = tuple(item.name for item in _ITEMS)

# Residual that the items of one sector share, and the mean and variance of the propensities under the
# planted truth, for which the items' thresholds are set.
_SECTOR_LOADING = 0.30
_CENTRE = {"individual": 0.15, "collective": 0.04}
_VARIANCE = {"individual": 1.22, "collective": 1.22}

_EFFICACY_LOADING, _EFFICACY_CUTS = 0.78, (-1.1, -0.1, 0.9)
_EFFICACY_EDUCATION = 0.10
_RATING_LOADING, _RATING_SHARED = 0.74, 0.45
_FIVE_POINT_CUTS = (-1.6, -0.7, 0.1, 1.1)
_TEN_CENTRE, _TEN_SPREAD = 5.2, 2.3

# Weights: sample members of rarely reached cells stand for more people. Regions differ because equal
# numbers were interviewed in unequal populations; the rest repairs who was easy to reach.
_REGION_WEIGHT = np.array([0.45, 0.65, 0.90, 1.05, 1.40, 2.00])
_URBAN_WEIGHT = np.array([0.85, 1.15])
_AGE_EDGES = np.array([35, 60])
_AGE_WEIGHT_MEN = np.array([1.75, 1.10, 0.80])
_AGE_WEIGHT_OTHERS = np.array([1.30, 0.90, 0.70])

_REGION_URBAN = np.array([0.85, 0.70, 0.60, 0.55, 0.50, 0.40])
_REGION_SHIFT = np.array([0.08, -0.06, 0.04, -0.08, 0.05, -0.03])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Layout:
    """Who lives where: one entry per respondent (country 0-4, region 0-5, PSU 0..), PSUs' own rows."""

    country: Rows
    region: Rows
    psu: Rows
    municipality: Ints
    psu_region: Rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _People:
    """Background of every respondent; gender as lived, before anyone declines to state it."""

    age: Ints
    gender: Ints
    education: Ints
    employment: Ints
    urban: Ints

    @property
    def age_sd(self) -> Floats:
        return (self.age - _AGE_MEAN) / _AGE_SD


def simulate(truth: Truth | None = None, *, n_per_country: int = 1000, seed: int) -> pd.DataFrame:
    """Draw a survey of five countries from a declared truth, without clerical faults.

    The two propensities are sums of the declared effects, a PSU intercept and a personal residual;
    items, ratings and efficacy answers are their latent values cut at fixed thresholds. PSUs keep
    their size (about 21 respondents): larger surveys have more of them.

    Parameters
    ----------
    truth
        What is planted; the shipped truth if ``None``.
    n_per_country
        Respondents in each of the five countries, at least 24.
    seed
        Seed of the draw; the same seed and truth give the same frame.

    Returns
    -------
    One row per respondent, codes as in a fieldwork file: ``resp_id`` (text), ``country`` (1-5),
    ``region`` (stratum), ``municipality`` (PSU, unique across strata), ``weight`` (mean 1), ``age``
    (years), background, the activity items (1 often, 2 sometimes, 3 never), efficacy (1-4) and
    ratings, with 7, 8, 9, 88, 99 for answers that are missing and why. ``gov_hlt`` and ``cons_hlt``
    run from best to worst.

    Raises
    ------
    ArgumentError
        If ``n_per_country`` or ``seed`` can't be used.

    Examples
    --------
    >>> frame = simulate(n_per_country=100, seed=1)
    >>> frame.shape
    (500, 40)
    >>> frame["country"].value_counts().unique().tolist()
    [100]
    """
    truth = Truth() if truth is None else truth
    _check_arguments(n_per_country, seed)
    # One stream per part: changing how one part is drawn leaves the others as they were.
    streams = np.random.default_rng(seed).spawn(6)
    layout = _draw_layout(n_per_country, streams[0])
    people = _draw_people(truth, layout, streams[1])
    views = _draw_views(truth, layout, people, streams[2])
    propensities = _draw_propensities(truth, layout, people, views, streams[3])
    columns = _place_columns(layout, people, n_per_country)
    columns |= _item_columns(truth, people, propensities, streams[4])
    columns |= _view_columns(views, streams[4])
    _make_missing(columns, truth, people, streams[5])
    return pd.DataFrame(columns)


def _check_arguments(n_per_country: int, seed: int) -> None:
    faults = []
    if not isinstance(n_per_country, (int, np.integer)) or not 24 <= n_per_country <= 1_000_000:
        faults.append(Fault(where="n_per_country", found=repr(n_per_country), allowed="24 to 1,000,000"))
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        faults.append(Fault(where="seed", found=repr(seed), allowed="a whole number, 0 or more"))
    if faults:
        raise ArgumentError(*faults)


def _draw_layout(n_per_country: int, rng: np.random.Generator) -> _Layout:
    per_region = max(2, round(n_per_country / (_REGIONS * _PSU_SIZE)))
    n_psu = _REGIONS * per_region
    sizes = [_psu_sizes(n_per_country, n_psu, rng) for _ in COUNTRIES]
    psu = np.repeat(np.arange(len(COUNTRIES) * n_psu), np.concatenate(sizes))
    psu_country, within = np.divmod(np.arange(len(COUNTRIES) * n_psu), n_psu)
    psu_region, number = np.divmod(within, per_region)
    codes = (psu_country + 1) * 100_000 + (psu_region + 1) * 10_000 + number + 1
    return _Layout(
        country=psu_country[psu],
        region=psu_region[psu],
        psu=psu,
        municipality=codes[psu],
        psu_region=psu_region,
    )


def _psu_sizes(n: int, n_psu: int, rng: np.random.Generator) -> Ints:
    """Return PSU sizes (n_psu,) that sum to ``n``, none empty, varying a little around their mean."""
    share = rng.gamma(60.0, size=n_psu)
    return 1 + rng.multinomial(n - n_psu, share / share.sum())


def _draw_people(truth: Truth, layout: _Layout, rng: np.random.Generator) -> _People:
    n = len(layout.psu)
    psu_urban = rng.random(len(layout.psu_region)) < _REGION_URBAN[layout.psu_region]
    urban = psu_urban[layout.psu].astype(np.int64)
    latent = _clustered(truth.covariate_icc, layout, rng)
    age = 18 + np.floor(73 * _expit(-0.3 + 1.15 * latent)).astype(np.int64)
    gender = np.where(rng.random(n) < 0.52, 2, 1)
    gender[rng.random(n) < truth.gender_other] = 3
    schooling = _clustered(truth.covariate_icc, layout, rng) - 0.3 * (age - _AGE_MEAN) / _AGE_SD + 0.2 * urban
    education = 1 + np.searchsorted((-0.5, 0.65), schooling).astype(np.int64)
    employment = _draw_employment(age, rng)
    return _People(age=age, gender=gender, education=education, employment=employment, urban=urban)


def _draw_employment(age: Ints, rng: np.random.Generator) -> Ints:
    """Return 1 in work, 2 unemployed, 3 retired, 4 other inactive; retirement comes with age."""
    retired = rng.random(len(age)) < _expit((age - 64.0) / 5.0)
    share_inactive = np.where(age < 25, 0.45, 0.14)
    other = rng.random(len(age))
    working = np.where(other < share_inactive, 4, np.where(other > 0.93, 2, 1))
    return np.where(retired, 3, working).astype(np.int64)


def _draw_views(
    truth: Truth, layout: _Layout, people: _People, rng: np.random.Generator
) -> dict[str, Floats]:
    """Return latent efficacy and the four latent ratings, each (n,) with variance about 1."""
    step = (people.education - 2.0) * _EFFICACY_EDUCATION
    views = {
        "efficacy": step + np.sqrt(1 - _EFFICACY_EDUCATION**2) * _clustered(truth.covariate_icc, layout, rng)
    }
    mood = _clustered(truth.covariate_icc, layout, rng)
    for topic in TOPICS:
        own = _clustered(truth.covariate_icc, layout, rng)
        views[topic] = _RATING_SHARED * mood + np.sqrt(1 - _RATING_SHARED**2) * own
    return views


def _draw_propensities(
    truth: Truth, layout: _Layout, people: _People, views: Mapping[str, Floats], rng: np.random.Generator
) -> dict[str, Floats]:
    """Return the two propensities, each (n,), in SDs of their residuals."""
    rho = truth.residual_correlation
    individual = _clustered(truth.icc, layout, rng)
    collective = rho * individual + np.sqrt(1 - rho**2) * _clustered(truth.icc, layout, rng)
    shift = _REGION_SHIFT[layout.region]
    individual += _linear(truth.individual, people, views) + shift
    collective += _linear(truth.collective, people, views) - shift
    individual += np.array(truth.country_individual)[layout.country]
    collective += np.array(truth.country_collective)[layout.country]
    collective += np.array(truth.efficacy_by_country)[layout.country] * views["efficacy"]
    return {"individual": individual, "collective": collective}


def _linear(effects: Effects, people: _People, views: Mapping[str, Floats]) -> Floats:
    parts = {
        "age": people.age_sd,
        "woman": people.gender == 2,
        "education": people.education - 2.0,
        "unemployed": people.employment == 2,
        "retired": people.employment == 3,
        "inactive": people.employment == 4,
        "urban": people.urban,
        **views,
    }
    total = np.zeros(len(people.age))
    for name, part in parts.items():
        total += getattr(effects, name) * part
    return total


def _place_columns(layout: _Layout, people: _People, n_per_country: int) -> dict[str, Any]:
    country = layout.country + 1
    width = max(5, len(str(n_per_country)))
    number = np.tile(np.arange(1, n_per_country + 1), len(COUNTRIES))
    return {
        "resp_id": pd.Series(country * 10**width + number).astype("str"),
        "country": country,
        "region": country * 10 + layout.region + 1,
        "municipality": layout.municipality,
        "weight": _weights(layout, people),
        "age": people.age,
        "gender": people.gender,
        "education": people.education,
        "employment": people.employment,
        "urban": people.urban,
    }


def _weights(layout: _Layout, people: _People) -> Floats:
    group = np.searchsorted(_AGE_EDGES, people.age, side="right")
    cell = np.where(people.gender == 1, _AGE_WEIGHT_MEN[group], _AGE_WEIGHT_OTHERS[group])
    raw = _REGION_WEIGHT[layout.region] * _URBAN_WEIGHT[people.urban] * cell
    weights: Floats = np.round(raw / raw.mean(), 4)
    return weights


def _item_columns(
    truth: Truth, people: _People, propensities: Mapping[str, Floats], rng: np.random.Generator
) -> dict[str, Ints]:
    n = len(people.age)
    interest = rng.standard_normal((len(SECTORS), n))
    columns = {}
    for item in _ITEMS:
        latent = propensities[item.role]
        if item.role == "individual":
            latent = latent + truth.age_by_sector[item.sector] * people.age_sd
        noise = np.sqrt(1 - item.loading**2 - _SECTOR_LOADING**2) * rng.standard_normal(n)
        shown = item.loading * latent + _SECTOR_LOADING * interest[item.sector] + noise
        columns[item.name] = 3 - np.searchsorted(_item_cuts(item), shown).astype(np.int64)
    return columns


def _item_cuts(item: _Item) -> tuple[float, float]:
    """Return the cuts below which the answer is never, and above which it is often."""
    spread = np.sqrt(item.loading**2 * (_VARIANCE[item.role] - 1) + 1)
    normal = NormalDist(item.loading * _CENTRE[item.role], spread)
    return normal.inv_cdf(item.never), normal.inv_cdf(1 - item.often)


def _view_columns(views: Mapping[str, Floats], rng: np.random.Generator) -> dict[str, Ints]:
    columns = {}
    for sector in SECTORS:
        latent = _shown(views["efficacy"], _EFFICACY_LOADING, rng)
        columns[f"eff_{sector}"] = 1 + np.searchsorted(_EFFICACY_CUTS, latent).astype(np.int64)
    for prefix, topic in zip(("out", "gov"), TOPICS[:2], strict=True):
        for sector in SECTORS:
            latent = _shown(views[topic], _RATING_LOADING, rng)
            columns[f"{prefix}_{sector}"] = 1 + np.searchsorted(_FIVE_POINT_CUTS, latent).astype(np.int64)
    for prefix, topic in zip(("info", "cons"), TOPICS[2:], strict=True):
        for sector in SECTORS:
            latent = _shown(views[topic], _RATING_LOADING, rng)
            rated = np.clip(np.rint(_TEN_CENTRE + _TEN_SPREAD * latent), 0, 10)
            columns[f"{prefix}_{sector}"] = rated.astype(np.int64)
    columns["gov_hlt"] = 6 - columns["gov_hlt"]
    columns["cons_hlt"] = 10 - columns["cons_hlt"]
    return columns


def _make_missing(columns: dict[str, Any], truth: Truth, people: _People, rng: np.random.Generator) -> None:
    """Overwrite answers in place by the codes of don't know, refused, not applicable and declined."""
    n = len(people.age)
    # Items differ: from three quarters to five quarters of the mean share.
    rates = truth.item_missing * np.linspace(0.75, 1.25, len(_ITEMS))
    for item, rate in zip(ACTIVITY_ITEMS, rates, strict=True):
        _overwrite(columns[item], np.full(n, 0.6 * rate), 0.4 * rate, (8, 9), rng)
    columns["hlt_care"][rng.random(n) < truth.not_applicable] = 7
    for sector in SECTORS:
        for prefix in ("out", "gov", "info", "cons"):
            codes = (8, 9) if prefix in {"out", "gov"} else (88, 99)
            rate = truth.rating_missing
            _overwrite(columns[f"{prefix}_{sector}"], np.full(n, 0.7 * rate), 0.3 * rate, codes, rng)
        dont_know = _tilted(truth.efficacy_dont_know, truth.efficacy_dont_know_age * people.age_sd)
        _overwrite(columns[f"eff_{sector}"], dont_know, 0.3 * truth.item_missing, (8, 9), rng)
    columns["gender"] = np.where(rng.random(n) < truth.gender_declined, 9, people.gender)


def _overwrite(
    answers: Ints, dont_know: Floats, refused: float, codes: tuple[int, int], rng: np.random.Generator
) -> None:
    chance = rng.random(len(answers))
    answers[chance < dont_know] = codes[0]
    answers[chance > 1 - refused] = codes[1]


def _tilted(share: float, log_odds: Floats) -> Floats:
    if share == 0:
        return np.zeros(len(log_odds))
    return _expit(np.log(share / (1 - share)) + log_odds)


def _clustered(icc: float, layout: _Layout, rng: np.random.Generator) -> Floats:
    """Return standard normal values (n,) of which the share ``icc`` of the variance is the PSU's."""
    between = rng.standard_normal(len(layout.psu_region))
    within = rng.standard_normal(len(layout.psu))
    values: Floats = np.sqrt(icc) * between[layout.psu] + np.sqrt(1 - icc) * within
    return values


def _shown(latent: Floats, loading: float, rng: np.random.Generator) -> Floats:
    shown: Floats = loading * latent + np.sqrt(1 - loading**2) * rng.standard_normal(len(latent))
    return shown


def _expit(x: Floats) -> Floats:
    value: Floats = 1 / (1 + np.exp(-x))
    return value
