"""Numbers of several models as text, to the last bit: python -m certified.same_numbers <rows.csv> <order>.

Run by test_same_numbers.py under different BLAS kernels and numbers of threads, with the rows in different
orders: what it prints must be the same.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import coprodstats as cps

from .ours import design_of, is_binary
from .problems import EDUCATION, REGION, problem

# of the certified problems: an ill-conditioned one, another link, a domain, independent respondents
CERTIFIED = ("binary_years", "ordinal_probit", "ordinal_domain", "ordinal_counts")
GRADES = ("low", "some", "more", "high")
N = 6_000
RIGHT = "age + score + income + C(education) + C(region) + age:score"


def drawn(seed: int) -> pd.DataFrame:
    """Return a survey whose numbers have all the digits that doubles have."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, N),
            "score": rng.normal(size=N),
            "income": np.exp(rng.normal(8, 1, N)),
            "education": rng.choice(EDUCATION, N),
            "region": rng.choice(REGION, N),
            "psu": rng.integers(0, 300, N),
            "weight": rng.gamma(2.0, 0.7, N),
        }
    )
    frame["stratum"] = frame["psu"] // 10
    latent = frame["age"] / 60 + 0.3 * frame["score"] + (frame["region"] == "west") + rng.logistic(size=N)
    frame["grade"] = np.digitize(latent, [0.2, 1.0, 2.2])
    frame["yes"] = (latent + rng.logistic(size=N) > 1.5).astype(int)
    return frame


def lines(frame: pd.DataFrame, order: int) -> Iterator[str]:
    """Yield the numbers of all models, those of rows that are shuffled unless ``order`` is zero."""
    frame = shuffled(frame, order)
    frame["grade"] = pd.Categorical.from_codes(frame["grade"], categories=GRADES, ordered=True)
    design = cps.SurveyDesign(weights="weight", strata="stratum", psu="psu")
    yield from of_model(cps.ologit(f"grade ~ {RIGHT}", frame, link="cloglog", design=design), "delta")
    yield from of_model(cps.logit(f"yes ~ {RIGHT}", frame, design=cps.SurveyDesign(weights="weight")))
    # respondents who are alike are fitted together
    for weighted in (design, cps.SurveyDesign(weights="weight"), None):
        model = cps.ologit("grade ~ C(education) * C(region)", frame, design=weighted)
        yield from of_model(model, "delta")
    for name in CERTIFIED:
        p = problem(name)
        rows = shuffled(p.frame(), order)
        for model in p.models:
            domain = None if model.domain is None else rows[model.domain] == 1
            options = {"design": design_of(p), "covariance": p.covariance, "domain": domain}
            if is_binary(p, model):
                yield from of_model(cps.logit(model.formula, rows, **options))
            else:
                yield from of_model(cps.ologit(model.formula, rows, link=model.link, **options))


def shuffled(frame: pd.DataFrame, order: int) -> pd.DataFrame:
    """Return the rows in another order."""
    if order == 0:
        return frame.copy()
    return frame.iloc[np.random.default_rng(order).permutation(len(frame))].reset_index(drop=True)


def of_model(model: cps.FittedModel, *vces: str) -> Iterator[str]:
    """Yield a model's table and its margins, of both kinds unless one is named, as CSV."""
    yield text(model.to_frame())
    for vce in vces or (("delta",) if model.covariance == "model" else ("delta", "unconditional")):
        yield text(cps.margins(model, vce=vce))


def text(frame: pd.DataFrame) -> str:
    """Return a table as CSV with all the digits of its doubles."""
    return str(frame.to_csv(index=False, float_format="%.17g", lineterminator="\n"))


if __name__ == "__main__":
    sys.stdout.write("".join(lines(pd.read_csv(Path(sys.argv[1])), int(sys.argv[2]))))
