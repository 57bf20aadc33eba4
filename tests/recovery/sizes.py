"""Size of the design-based tests, and coverage of margins, that no outside program confirms.

    python tests/recovery/sizes.py                   all surveys; rewrites sizes.json
    python tests/recovery/sizes.py --surveys 40      a quick run: the numbers on stdout, nothing is written

Each survey has 12 strata of 6 PSUs of 20 respondents. Answers within a PSU are correlated through a Gaussian
copula, so that logit and proportional odds hold exactly for each respondent, whatever the PSUs: every
rejection is a false one. Respondents with a high ``x`` are sampled more often, and carry smaller weights.
The population's average margins are integrals over the standard normal ``x``, by Gauss-Hermite quadrature.
The number of surveys and the seed were fixed before any result was seen.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit, logit

import coprodstats as cps

RESULTS = Path(__file__).resolve().parent / "sizes.json"
SEED = 20_080_622
SURVEYS = 1000
STRATA, PSUS, PER_PSU = 12, 6, 20
BETWEEN_X, BETWEEN_Y, TILT = 0.3, 0.15, 0.4
SLOPE, STEP = 0.6, 0.4  # of x, of women
CUTS = (-1.0, 0.4, 1.5)
LEVELS = ("never", "seldom", "often", "always")
DESIGN = cps.SurveyDesign(weights="weight", strata="stratum", psu="psu", nested=True)
FORMULA = "~ x + woman"


def main() -> int:
    """Run the study, or a quick part of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--surveys", type=int, help="only so many surveys; the numbers go to stdout")
    options = parser.parse_args()
    found = study(options.surveys or SURVEYS)
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    if options.surveys is None:
        RESULTS.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


def study(n_surveys: int) -> dict[str, Any]:
    """Return rejection rates at 5 % and coverages of 95 % intervals over simulated surveys."""
    rows = []
    for k, child in enumerate(np.random.SeedSequence(SEED).spawn(n_surveys)):
        rows.append(one_survey(np.random.default_rng(child)))
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{k + 1} of {n_surveys} surveys")
    table = pd.DataFrame(rows)
    return {
        "seed": SEED,
        "surveys": n_surveys,
        "respondents": STRATA * PSUS * PER_PSU,
        "first": {name: float(value) for name, value in table.iloc[0].items()},
        "rates": {name: float(column.mean()) for name, column in table.items()},
    }


def one_survey(rng: np.random.Generator) -> dict[str, float]:
    """Return for one survey which tests reject (1 or 0) and which intervals cover (1 or 0)."""
    frame = draw(rng)
    found: dict[str, float] = {}
    binary = cps.logit(f"helps {FORMULA}", frame, design=DESIGN)
    ordinal = cps.ologit(f"often {FORMULA}", frame, design=DESIGN)
    naive = frame.assign(count=frame["weight"] * len(frame) / frame["weight"].sum())
    as_counts = cps.SurveyDesign(weights="count")
    tests = cps.goodness_of_fit(binary).tests.set_index("test")
    found["size: Archer–Lemeshow"] = float(tests.loc["Archer–Lemeshow", "p_value"] < 0.05)
    by_design = cps.parallel_lines_test(ordinal).tests.set_index("term")["p_value"]
    ignoring = cps.parallel_lines_test(
        cps.ologit(f"often {FORMULA}", naive, design=as_counts, covariance="model")
    ).tests.set_index("term")["p_value"]
    for term, p in by_design.items():
        found[f"size: parallel lines, {term}"] = float(p < 0.05)
        found[f"size ignoring the design: parallel lines, {term}"] = float(ignoring[term] < 0.05)
    truth = margins_of_the_population()
    for vce in ("delta", "unconditional"):
        for name, model, category in (("helps", binary, "1"), ("always", ordinal, "always")):
            every = cps.margins(model, vce=vce)
            rows = every[every["category"] == category].set_index("variable")
            for variable, row in rows.iterrows():
                inside = row["conf_low"] <= truth[name, variable] <= row["conf_high"]
                found[f"coverage, {vce}: {name}, {variable}"] = float(inside)
    return found


def draw(rng: np.random.Generator) -> pd.DataFrame:
    """Return one survey."""
    n_psu = STRATA * PSUS
    psu = np.repeat(np.arange(n_psu), PER_PSU)
    own = rng.normal(TILT, 1.0, len(psu))
    x = np.sqrt(BETWEEN_X) * rng.normal(size=n_psu)[psu] + np.sqrt(1 - BETWEEN_X) * own
    woman = rng.integers(0, 2, len(psu))
    eta = SLOPE * x + STEP * woman
    return pd.DataFrame(
        {
            "x": x,
            "woman": pd.Categorical(np.where(woman == 1, "yes", "no"), categories=["no", "yes"]),
            "helps": (eta + _errors(rng, psu) > CUTS[1]).astype(int),
            "often": pd.cut(eta + _errors(rng, psu), [-np.inf, *CUTS, np.inf], labels=list(LEVELS)),
            "weight": np.exp(-TILT * own + TILT**2 / 2),
            "stratum": psu // PSUS,
            "psu": psu,
        }
    )


def _errors(rng: np.random.Generator, psu: np.ndarray) -> np.ndarray:
    """Return standard logistic errors that are correlated within PSUs."""
    shared = rng.normal(size=psu.max() + 1)[psu]
    z = np.sqrt(BETWEEN_Y) * shared + np.sqrt(1 - BETWEEN_Y) * rng.normal(size=len(psu))
    return np.asarray(logit(stats.norm.cdf(z)))


def margins_of_the_population() -> dict[tuple[str, str], float]:
    """Return the average margins over the population's x and gender."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    truth = {}
    for name, cut in (("helps", CUTS[1]), ("always", CUTS[2])):
        p = [expit(SLOPE * nodes + STEP * g - cut) for g in (0, 1)]
        truth[name, "x"] = float(weights @ np.mean([SLOPE * q * (1 - q) for q in p], axis=0))
        truth[name, "woman"] = float(weights @ (p[1] - p[0]))
    return truth


if __name__ == "__main__":
    raise SystemExit(main())
