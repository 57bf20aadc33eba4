"""Our numbers against certified ones: coefficients, standard errors, margins, comparisons, parallel lines."""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp, mpf

from . import certify, ours
from .problems import PROBLEMS, Problem, problem

# What is promised of the digits of any number, and of the median over all.
LEAST_DIGITS = 10
MEDIAN_DIGITS = 13

each_problem = pytest.mark.parametrize("p", PROBLEMS, ids=lambda p: p.name)


def test_there_are_enough_problems_and_each_has_values():
    assert len(PROBLEMS) >= 24
    assert {p.name for p in PROBLEMS} == {path.stem for path in certify.VALUES.glob("*.json")}


@each_problem
def test_every_number_has_its_digits(p: Problem):
    short = {kind: digits for kind, digits in ours.lowest_digits(p).items() if digits < LEAST_DIGITS}
    assert short == {}


def test_the_median_number_is_right_to_thirteen_digits():
    digits = [
        min(truth.digits(found[key]), ours.MOST_DIGITS)
        for p in PROBLEMS
        for found in [ours.computed(p)]
        for key, truth in ours.certified(p.name).items()
    ]
    assert np.median(digits) >= MEDIAN_DIGITS


@each_problem
def test_convergence_claims_no_digit_that_is_wrong(p: Problem):
    for fit, digits in ours.estimate_digits(p):
        assert fit.convergence.digits <= digits


@pytest.mark.parametrize("name", ["binary_fifty", "ordinal_fifty"])
def test_certified_values_are_what_the_command_writes(name: str):
    committed = (certify.VALUES / f"{name}.json").read_text(encoding="utf-8")
    assert certify.as_text(certify.certified(problem(name))) == committed


@pytest.mark.parametrize("link", certify.LINKS)
def test_certified_derivatives_are_those_of_the_log_likelihood(link: str):
    # Central differences with 70 digits and a step of 1e-15: an error of some 1e-30.
    x = [[mpf(v), mpf(v * v % 5)] for v in range(-4, 5)]
    y, w = [0, 2, 1, 0, 1, 2, 2, 0, 1], [mpf(1 + v % 3) for v in range(9)]
    theta = [mpf("-0.4"), mpf("0.7"), mpf("0.3"), mpf("-0.2")]

    def score(at: list) -> list:
        _, rows, _ = certify.derivatives(at, x, y, w, 2, link)
        return [certify.dot(w, column) for column in zip(*rows, strict=True)]

    _, _, information = certify.derivatives(theta, x, y, w, 2, link)
    h = mpf(10) ** -15
    for j in range(4):
        up, down = list(theta), list(theta)
        up[j] += h
        down[j] -= h
        rise = certify.log_likelihood(up, x, y, w, 2, link) - certify.log_likelihood(down, x, y, w, 2, link)
        assert mp.almosteq(rise / (2 * h), score(theta)[j], rel_eps=mpf(10) ** -25)
        for k, (a, b) in enumerate(zip(score(up), score(down), strict=True)):
            assert mp.almosteq((b - a) / (2 * h), information[j][k], rel_eps=mpf(10) ** -25)
