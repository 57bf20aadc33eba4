"""Certified values: each problem solved with 70 decimal digits, from the formulas alone.

    cd tests && python -m certified.certify             write values/*.json (ten minutes or so)
    cd tests && python -m certified.certify NAME …      these problems only

Nothing of coprodstats is used here, and no floating point: numbers are mpmath's, likelihoods are maximised by
Newton's method until a step changes no digit, and the derivatives of margins are central differences with a
step of 1e-30 standard errors, whose error is below the 30 digits that are written. The formulas, with their
sources, are those of the documentation: McCullagh (1980) for the likelihood, Binder (1983) for the
covariance under strata and PSUs, Brant (1990) for parallel lines.
"""

# ruff: noqa: T201  (what a command prints)

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mpmath import mp, mpf

from .problems import PROBLEMS, Columns, Model, Problem, problem

VALUES = Path(__file__).resolve().parent / "values"
WORKING_DIGITS = 70
# Differences take half of the digits away.
DIFFERENCE_DIGITS = 100
WRITTEN_DIGITS = 30
mp.dps = WORKING_DIGITS

Vector = list  # of mpf
Matrix = list  # of Vector
# quantity, model, name, value, and what its error is relative to if not to itself
Record = tuple[str, str, str, mpf, mpf | None]

ONE = mpf(1)
# F, F' and F'' of each link, F the distribution function in P(Y <= k) = F(threshold_k - x'b).
LINKS: dict[str, tuple[Callable, Callable, Callable]] = {
    "logit": (
        lambda z: ONE / (1 + mp.exp(-z)),
        lambda z: mp.exp(-z) / (1 + mp.exp(-z)) ** 2,
        lambda z: mp.exp(-z) * (mp.exp(-z) - 1) / (1 + mp.exp(-z)) ** 3,
    ),
    "probit": (
        mp.ncdf,
        lambda z: mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi),
        lambda z: -z * mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi),
    ),
    "cloglog": (
        lambda z: -mp.expm1(-mp.exp(z)),
        lambda z: mp.exp(z - mp.exp(z)),
        lambda z: (1 - mp.exp(z)) * mp.exp(z - mp.exp(z)),
    ),
    "loglog": (
        lambda z: mp.exp(-mp.exp(-z)),
        lambda z: mp.exp(-z - mp.exp(-z)),
        lambda z: (mp.exp(-z) - 1) * mp.exp(-z - mp.exp(-z)),
    ),
    "cauchit": (
        lambda z: mp.atan(z) / mp.pi + ONE / 2,
        lambda z: ONE / (mp.pi * (1 + z * z)),
        lambda z: -2 * z / (mp.pi * (1 + z * z) ** 2),
    ),
}


# --- linear algebra of lists ---


def dot(a: Sequence, b: Sequence) -> mpf:
    return mp.fdot(a, b)


def times(a: Matrix, b: Matrix) -> Matrix:
    columns = list(zip(*b, strict=True))
    return [[dot(row, column) for column in columns] for row in a]


def transpose(a: Matrix) -> Matrix:
    return [list(column) for column in zip(*a, strict=True)]


def inverse(a: Matrix) -> Matrix:
    return (mp.matrix(a) ** -1).tolist()


def solve(a: Matrix, b: Vector) -> Vector:
    return list(mp.lu_solve(mp.matrix(a), mp.matrix(b)))


# --- one likelihood ---


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A cumulative-link model at its maximum; parameters are thresholds, then slopes."""

    theta: Vector
    x: Matrix
    y: list[int]
    w: Vector
    n_cuts: int
    link: str
    information: Matrix
    scores: Matrix  # unweighted
    loglik: mpf

    @cached_property
    def inverse(self) -> Matrix:
        return inverse(self.information)

    @cached_property
    def influence(self) -> Matrix:
        return [
            [w * value for value in row]
            for w, row in zip(self.w, times(self.scores, self.inverse), strict=True)
        ]


def ends(theta: Vector, x: Vector, category: int, n_cuts: int) -> tuple[mpf | None, mpf | None]:
    """Return the lower and upper end of a row's interval; None is infinite."""
    eta = dot(x, theta[n_cuts:])
    lower = theta[category - 1] - eta if category > 0 else None
    upper = theta[category] - eta if category < n_cuts else None
    return lower, upper


def probability(link: str, lower: mpf | None, upper: mpf | None) -> mpf:
    f = LINKS[link][0]
    return (f(upper) if upper is not None else ONE) - (f(lower) if lower is not None else 0)


def row_terms(link: str, lower: mpf | None, upper: mpf | None) -> tuple[mpf, mpf, mpf, mpf, mpf, mpf]:
    """Return log P, its derivatives by the upper and lower end, and the second derivatives."""
    _, f, slope = LINKS[link]
    p = probability(link, lower, upper)
    du = f(upper) / p if upper is not None else mpf(0)
    dl = -f(lower) / p if lower is not None else mpf(0)
    uu = slope(upper) / p - du * du if upper is not None else mpf(0)
    ll = -slope(lower) / p - dl * dl if lower is not None else mpf(0)
    return mp.log(p), du, dl, uu, ll, -du * dl


def derivatives(
    theta: Vector, x: Matrix, y: list[int], w: Vector, n_cuts: int, link: str
) -> tuple[mpf, Matrix, Matrix]:
    """Return the log-likelihood, the rows' unweighted scores, and the observed information."""
    q = len(theta)
    loglik = mpf(0)
    scores = []
    info = [[mpf(0)] * q for _ in range(q)]
    for row, category, weight in zip(x, y, w, strict=True):
        log_p, du, dl, uu, ll, ul = row_terms(link, *ends(theta, row, category, n_cuts))
        loglik += weight * log_p
        # the derivatives of the row's two ends by theta
        upper = [mpf(k == category) for k in range(n_cuts)] + [-value for value in row]
        lower = [mpf(k == category - 1) for k in range(n_cuts)] + [-value for value in row]
        scores.append([du * a + dl * b for a, b in zip(upper, lower, strict=True)])
        for j in range(q):
            with_upper = weight * (uu * upper[j] + ul * lower[j])
            with_lower = weight * (ll * lower[j] + ul * upper[j])
            for k in range(j + 1):
                info[j][k] -= with_upper * upper[k] + with_lower * lower[k]
    for j in range(q):
        for k in range(j):
            info[k][j] = info[j][k]
    return loglik, scores, info


def log_likelihood(theta: Vector, x: Matrix, y: list[int], w: Vector, n_cuts: int, link: str) -> mpf:
    total = mpf(0)
    for row, category, weight in zip(x, y, w, strict=True):
        p = probability(link, *ends(theta, row, category, n_cuts))
        if p <= 0:
            return -mp.inf
        total += weight * mp.log(p)
    return total


def start(y: list[int], w: Vector, n_cuts: int, p: int, link: str) -> Vector:
    """Return thresholds that fit the shares of the categories, to a few digits, and zero slopes."""
    f = LINKS[link][0]
    total = mp.fsum(w)
    cuts = []
    for k in range(n_cuts):
        share = mp.fsum(weight for weight, category in zip(w, y, strict=True) if category <= k) / total
        low, high = mpf(-20), mpf(20)
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (middle, high) if f(middle) < share else (low, middle)
        cuts.append((low + high) / 2)
    return cuts + [mpf(0)] * p


def maximise(x: Matrix, y: list[int], w: Vector, n_cuts: int, link: str) -> Fit:
    """Maximise the weighted likelihood by Newton's method with step halving."""
    problem_ = (x, y, w, n_cuts, link)
    theta = start(y, w, n_cuts, len(x[0]), link)
    for _ in range(60):
        loglik, scores, info = derivatives(theta, *problem_)
        total = [dot(w, column) for column in zip(*scores, strict=True)]
        step = solve(info, total)
        size = max(abs(s) * mp.sqrt(abs(info[j][j])) for j, s in enumerate(step))
        if size < mpf(10) ** (10 - WORKING_DIGITS):
            return Fit(
                theta=theta, x=x, y=y, w=w, n_cuts=n_cuts, link=link, information=info, scores=scores,
                loglik=loglik,
            )  # fmt: skip
        if (
            dot(step, total) < 0
        ):  # only cauchit: the information is not positive definite far from the maximum
            step = [s / abs(info[j][j]) for j, s in enumerate(total)]
        moved = [t + s for t, s in zip(theta, step, strict=True)]
        while size > 1e-3 and log_likelihood(moved, *problem_) < loglik:
            step = [s / 2 for s in step]
            moved = [t + s for t, s in zip(theta, step, strict=True)]
        theta = moved
    raise ArithmeticError("Newton's method has not converged")


# --- the design ---


@dataclass(frozen=True, kw_only=True)
class Design:
    """PSUs and strata of all rows, and the covariance of totals under them."""

    psu: list[Any]
    stratum_of: dict[Any, Any]
    population: dict[Any, mpf] | None
    lonely_psu: str

    def variance(self, influence: Matrix) -> Matrix:
        """Return sum_h (1 - f_h) n_h/(n_h - 1) sum_c (z_hc - zbar_h)(z_hc - zbar_h)'."""
        m = len(influence[0])
        totals: dict[Any, Vector] = {c: [mpf(0)] * m for c in self.stratum_of}
        for c, row in zip(self.psu, influence, strict=True):
            if c in totals:
                totals[c] = [a + b for a, b in zip(totals[c], row, strict=True)]
        strata: dict[Any, list[Vector]] = {}
        for c, h in self.stratum_of.items():
            strata.setdefault(h, []).append(totals[c])
        overall = [mp.fsum(column) / len(totals) for column in zip(*totals.values(), strict=True)]
        v = [[mpf(0)] * m for _ in range(m)]
        for h, members in strata.items():
            n_h = len(members)
            centre = [mp.fsum(column) / n_h for column in zip(*members, strict=True)]
            factor = mpf(n_h) / (n_h - 1) if n_h > 1 else ONE
            if n_h == 1:
                if self.lonely_psu != "adjust":
                    raise ValueError("a stratum with one PSU")
                centre = overall
            if self.population is not None:
                factor *= 1 - n_h / self.population[h]
            deviations = [[a - b for a, b in zip(z, centre, strict=True)] for z in members]
            for j in range(m):
                for k in range(m):
                    v[j][k] += factor * dot([d[j] for d in deviations], [d[k] for d in deviations])
        return v

    @property
    def df(self) -> int:
        return len(self.stratum_of) - len(set(self.stratum_of.values()))


def design_of(p: Problem, data: dict[str, list], used: list[bool]) -> Design:
    n = len(used)
    if p.covariance == "robust":
        return Design(
            psu=list(range(n)), stratum_of={i: "all" for i in range(n) if used[i]}, population=None,
            lonely_psu="error",
        )  # fmt: skip
    psu = data[p.psu] if p.psu else list(range(n))
    strata = data[p.strata] if p.strata else ["all"] * n
    population = None
    if p.fpc:
        population = {h: mpf(size) for h, size in zip(strata, data[p.fpc], strict=True)}
    return Design(
        psu=psu, stratum_of=dict(zip(psu, strata, strict=True)), population=population,
        lonely_psu=p.lonely_psu,
    )  # fmt: skip


# --- one model ---


@dataclass(frozen=True, kw_only=True)
class Solved:
    """A model at its maximum, laid out over all rows of the data."""

    p: Problem
    model: Model
    fit: Fit
    data: dict[str, list]
    used: list[bool]
    design: Design
    categories: list

    @property
    def binary(self) -> bool:
        return set(self.categories) == {0, 1}

    def spread(self, rows: Matrix) -> Matrix:
        """Return rows of the sample laid out over all rows, zero elsewhere."""
        found = iter(rows)
        zero = [mpf(0)] * len(rows[0])
        return [next(found) if u else zero for u in self.used]

    @cached_property
    def covariance(self) -> Matrix:
        if self.p.covariance == "model":
            return self.fit.inverse
        return self.design.variance(self.spread(self.fit.influence))

    @property
    def df(self) -> mpf | int:
        return mp.inf if self.p.covariance == "model" else self.design.df

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The sample's predictors."""
        names = sorted({part[0] for parts in self.model.columns.values() for part in parts})
        columns = [column for name in names for column in [self.data[name]]]
        return [
            {
                name: value if isinstance(value, str) else mpf(value)
                for name, value in zip(names, row, strict=True)
            }
            for row, u in zip(zip(*columns, strict=True), self.used, strict=True)
            if u
        ]

    def reported(self) -> list[tuple[str, int, int]]:
        """Return each reported parameter: name, position in theta, sign."""
        cuts = [
            ("Intercept", 0, -1) if self.binary else (f"{self.categories[k]}|{self.categories[k + 1]}", k, 1)
            for k in range(self.fit.n_cuts)
        ]
        return cuts + [(name, self.fit.n_cuts + j, 1) for j, name in enumerate(self.model.columns)]


def matrix(columns: Columns, rows: list[dict[str, Any]]) -> Matrix:
    """Return the design matrix: each column a product of powers and marks of levels."""

    def entry(parts: tuple, row: dict[str, Any]) -> mpf:
        value = ONE
        for name, what in parts:
            value *= (row[name] ** what) if isinstance(what, int) else mpf(row[name] == what)
        return value

    return [[entry(parts, row) for parts in columns.values()] for row in rows]


def moved(columns: Columns, rows: list[dict[str, Any]], variable: str) -> Matrix:
    """Return the derivative of each column by a numeric variable."""

    def entry(parts: tuple, row: dict[str, Any]) -> mpf:
        value = mpf(0)
        for name, what in parts:
            if name == variable:
                term = what * row[name] ** (what - 1)
                for other, power in parts:
                    if other != variable:
                        term *= row[other] ** power if isinstance(power, int) else mpf(row[other] == power)
                value += term
        return value

    return [[entry(parts, row) for parts in columns.values()] for row in rows]


def solve_model(p: Problem, model: Model) -> Solved:
    data = p.data()
    n = len(data[model.outcome])
    used = [model.domain is None or data[model.domain][i] == 1 for i in range(n)]
    categories = p.categories(model)
    weights = [mpf(w) for w in data[p.weights]] if p.weights else [ONE] * n
    names = {part[0] for parts in model.columns.values() for part in parts}
    rows = [
        {name: v if isinstance(v := data[name][i], str) else mpf(v) for name in names}
        for i in range(n)
        if used[i]
    ]
    y = [categories.index(data[model.outcome][i]) for i in range(n) if used[i]]
    w = [weights[i] for i in range(n) if used[i]]
    fit = maximise(matrix(model.columns, rows), y, w, len(categories) - 1, model.link)
    design = design_of(p, data, used)
    return Solved(p=p, model=model, fit=fit, data=data, used=used, design=design, categories=categories)


def estimates(s: Solved) -> list[Record]:
    found: list[Record] = []
    for name, position, sign in s.reported():
        kind = "threshold" if "|" in name else "coefficient"
        found.append((kind, s.model.outcome, name, sign * s.fit.theta[position], None))
        se = mp.sqrt(s.covariance[position][position])
        found.append(("standard error", s.model.outcome, name, se, None))
    return found


# --- margins ---

Effect = Callable[[Vector], Matrix]  # of theta: each sampled row's values, one per category


def category_probabilities(s: Solved, theta: Vector, x: Vector) -> Vector:
    n_cuts = s.fit.n_cuts
    return [probability(s.fit.link, *ends(theta, x, k, n_cuts)) for k in range(n_cuts + 1)]


def effects(s: Solved) -> dict[tuple[str, str], Effect]:
    """Return, by variable and contrast, each row's effect on the probability of each category."""
    found: dict[tuple[str, str], Effect] = {}
    columns = s.model.columns
    variables = list(dict.fromkeys(part[0] for parts in columns.values() for part in parts))
    for variable in variables:
        levels = [w for parts in columns.values() for n, w in parts if n == variable and isinstance(w, str)]
        levels = list(dict.fromkeys(levels))
        if levels:
            reference = next(v for v in _levels(s, variable) if v not in levels)
            for level in levels:
                found[variable, f"{level} - {reference}"] = _contrast(s, variable, level, reference)
        else:
            found[variable, "dy/dx"] = _slope(s, variable)
    return found


def _levels(s: Solved, variable: str) -> list[str]:
    return list(dict.fromkeys(s.data[variable]))


def _contrast(s: Solved, variable: str, level: str, reference: str) -> Effect:
    one = matrix(s.model.columns, [row | {variable: level} for row in s.rows])
    two = matrix(s.model.columns, [row | {variable: reference} for row in s.rows])

    def effect(theta: Vector) -> Matrix:
        return [
            [
                a - b
                for a, b in zip(
                    category_probabilities(s, theta, x), category_probabilities(s, theta, z), strict=True
                )
            ]
            for x, z in zip(one, two, strict=True)
        ]

    return effect


def _slope(s: Solved, variable: str) -> Effect:
    speed_by = moved(s.model.columns, s.rows, variable)
    f = LINKS[s.fit.link][1]
    n_cuts = s.fit.n_cuts

    def effect(theta: Vector) -> Matrix:
        found = []
        for x, by in zip(s.fit.x, speed_by, strict=True):
            speed, eta = dot(by, theta[n_cuts:]), dot(x, theta[n_cuts:])
            density = [mpf(0), *(f(cut - eta) for cut in theta[:n_cuts]), mpf(0)]
            found.append([-(density[k + 1] - density[k]) * speed for k in range(n_cuts + 1)])
        return found

    return effect


@dataclass(frozen=True, kw_only=True)
class Margin:
    """One average effect by category: its values, their rows, and their derivatives by theta."""

    variable: str
    contrast: str
    average: Vector
    rows: Matrix
    gradient: Matrix  # (categories, q)


def margins_of(s: Solved) -> list[Margin]:
    total = mp.fsum(s.fit.w)
    share = [w / total for w in s.fit.w]

    def averages(effect: Effect, theta: Vector) -> Vector:
        return [dot(share, column) for column in zip(*effect(theta), strict=True)]

    found = []
    for (variable, contrast), effect in effects(s).items():
        columns = []
        with mp.workdps(DIFFERENCE_DIGITS):
            for j in range(len(s.fit.theta)):
                h = mp.sqrt(s.fit.inverse[j][j]) * mpf(10) ** -30
                up, down = list(s.fit.theta), list(s.fit.theta)
                up[j] += h
                down[j] -= h
                pair = zip(averages(effect, up), averages(effect, down), strict=True)
                columns.append([(a - b) / (2 * h) for a, b in pair])
        found.append(
            Margin(
                variable=variable, contrast=contrast, average=averages(effect, s.fit.theta),
                rows=effect(s.fit.theta), gradient=transpose(columns),
            )
        )  # fmt: skip
    return found


def margin_influence(s: Solved, gradient: Matrix, rows: Matrix, average: Vector, vce: str) -> Matrix:
    """Return the influence of each row of the data on averages, shape (n, quantities)."""
    influence = times(s.fit.influence, transpose(gradient))
    if vce == "unconditional":
        total = mp.fsum(s.fit.w)
        influence = [
            [z + w / total * (g - a) for z, g, a in zip(line, row, average, strict=True)]
            for line, w, row in zip(influence, s.fit.w, rows, strict=True)
        ]
    return s.spread(influence)


def margin_records(s: Solved, vces: Sequence[str]) -> list[Record]:
    found: list[Record] = []
    kept = [1] if s.binary else list(range(len(s.categories)))
    for margin in margins_of(s):
        names = [f"{margin.variable} {margin.contrast} {s.categories[k]}" for k in kept]
        found += [
            ("margin", s.model.outcome, name, margin.average[k], None)
            for name, k in zip(names, kept, strict=True)
        ]
        gradient = [margin.gradient[k] for k in kept]
        rows = [[row[k] for k in kept] for row in margin.rows]
        average = [margin.average[k] for k in kept]
        for vce in vces:
            if s.p.covariance == "model":
                v = times(times(gradient, s.covariance), transpose(gradient))
            else:
                v = s.design.variance(margin_influence(s, gradient, rows, average, vce))
            kind = "margin standard error" if vce == "delta" else "unconditional standard error"
            found += [(kind, s.model.outcome, name, mp.sqrt(v[i][i]), None) for i, name in enumerate(names)]
    return found


# --- two models ---


def compare_records(one: Solved, two: Solved, scale: str) -> list[Record]:
    """Return the covariance across two models, the differences and their standard errors."""
    sides = [_side(s, scale) for s in (one, two)]
    shared = [name for name in sides[0] if name in sides[1]]
    design = one.design
    if one.p.covariance == "robust":
        design = design_of(one.p, one.data, [a or b for a, b in zip(one.used, two.used, strict=True)])
    columns = [side[name][1] for side in sides for name in shared]
    v = design.variance(transpose(columns))
    m = len(shared)
    pair = f"{one.model.outcome}, {two.model.outcome}"
    found: list[Record] = []
    for j, first in enumerate(shared):
        for k, second in enumerate(shared):
            against = mp.sqrt(v[j][j] * v[m + k][m + k])
            name = f"{scale}: {first}, {second}"
            found.append(("covariance across models", pair, name, v[j][m + k], against))
    for j, name in enumerate(shared):
        difference = sides[1][name][0] - sides[0][name][0]
        variance = v[j][j] + v[m + j][m + j] - 2 * v[j][m + j]
        found.append(("difference", pair, f"{scale}: {name}", difference, None))
        found.append(("difference standard error", pair, f"{scale}: {name}", mp.sqrt(variance), None))
    return found


def _side(s: Solved, scale: str) -> dict[str, tuple[mpf, Vector]]:
    """Return each term's number and its influence on every row of the data."""
    if scale == "coefficient":
        spread = transpose(s.spread(s.fit.influence))
        return {
            name: (s.fit.theta[position], spread[position])
            for name, position, _ in s.reported()
            if position >= s.fit.n_cuts
        }
    vce = "unconditional" if scale.endswith("unconditional") else "delta"
    event = 1 if s.binary else s.categories.index(s.model.event)
    found = {}
    for margin in margins_of(s):
        gradient = [[mp.fsum(row[j] for row in margin.gradient[event:]) for j in range(len(s.fit.theta))]]
        rows = [[mp.fsum(row[event:])] for row in margin.rows]
        average = [mp.fsum(margin.average[event:])]
        influence = margin_influence(s, gradient, rows, average, vce)
        name = margin.variable if margin.contrast == "dy/dx" else _term(margin)
        found[name] = (average[0], [row[0] for row in influence])
    return found


def _term(margin: Margin) -> str:
    return f"{margin.variable}[T.{margin.contrast.split(' - ')[0]}]"


# --- parallel lines ---


def parallel_records(s: Solved) -> list[Record]:
    """Return the tests that slopes are the same at every threshold: Brant's, or that under the design."""
    f = s.fit
    splits = [
        maximise(f.x, [int(category > m) for category in f.y], f.w, 1, "logit") for m in range(f.n_cuts)
    ]
    p = len(f.x[0])
    if s.p.covariance == "model":
        v = _brant(splits, f.w)
    else:
        stacked = [
            [value for split in rows for value in split[1:]]
            for rows in zip(*(split.influence for split in splits), strict=True)
        ]
        v = s.design.variance(s.spread(stacked))
    slopes = [value for split in splits for value in split.theta[1:]]
    terms: dict[str, list[int]] = {}
    for j, name in enumerate(s.model.columns):
        terms.setdefault(name.split("[T.")[0] if ":" not in name else name, []).append(j)
    terms["all terms"] = list(range(p))
    found: list[Record] = []
    for term, columns in terms.items():
        contrasts = []
        for m in range(1, len(splits)):
            for j in columns:
                row = [mpf(0)] * (p * len(splits))
                row[j], row[m * p + j] = ONE, -ONE
                contrasts.append(row)
        difference = [dot(row, slopes) for row in contrasts]
        wald = dot(difference, solve(times(times(contrasts, v), transpose(contrasts)), difference))
        q, d = len(contrasts), s.df
        if q > d:
            continue
        statistic = wald if d == mp.inf else wald * (d - q + 1) / (d * q)
        found.append(("parallel lines", s.model.outcome, term, statistic, None))
    return found


def _brant(splits: list[Fit], w: Vector) -> Matrix:
    p = len(splits[0].x[0])
    above = [
        [1 - LINKS["logit"][0](split.theta[0] - dot(row, split.theta[1:])) for row in split.x]
        for split in splits
    ]
    v = [[mpf(0)] * (p * len(splits)) for _ in range(p * len(splits))]
    x = [[-ONE, *row] for row in splits[0].x]
    for m in range(len(splits)):
        for k in range(m, len(splits)):
            scaled = [
                [weight * above[k][i] * (1 - above[m][i]) * value for value in row]
                for i, (weight, row) in enumerate(zip(w, x, strict=True))
            ]
            middle = times(transpose(x), scaled)
            block = times(times(splits[m].inverse, middle), splits[k].inverse)
            for j in range(p):
                for l in range(p):
                    v[m * p + j][k * p + l] = v[k * p + l][m * p + j] = block[j + 1][l + 1]
    return v


# --- the command ---


def certified(p: Problem) -> list[Record]:
    """Return all certified quantities of a problem."""
    solved = [solve_model(p, model) for model in p.models]
    found: list[Record] = []
    for s in solved:
        found += estimates(s)
        if p.margins:
            found += margin_records(s, p.margins)
        if p.parallel:
            found += parallel_records(s)
    for scale in p.compare:
        found += compare_records(*solved, scale)
    return found


def as_text(records: list[Record]) -> str:
    """Return records as JSON, one a line, numbers as text of 30 digits."""
    lines = []
    for quantity, model, name, value, against in records:
        entry = {"quantity": quantity, "model": model, "name": name, "value": mp.nstr(value, WRITTEN_DIGITS)}
        if against is not None:
            entry["against"] = mp.nstr(against, WRITTEN_DIGITS)
        lines.append(json.dumps(entry, ensure_ascii=False))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main(names: Sequence[str]) -> None:
    for p in [problem(name) for name in names] or PROBLEMS:
        began = time.process_time()
        records = certified(p)
        (VALUES / f"{p.name}.json").write_text(as_text(records), encoding="utf-8", newline="\n")
        print(f"{p.name}: {len(records)} values, {time.process_time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
