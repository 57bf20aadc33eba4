"""Tests of parallel lines: whether an ordinal model's slopes are the same at every threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import ArgumentError, Fault, InsufficientDataError, listed
from coprodstats.models.category_models import cumulative_model
from coprodstats.models.convergence import certificate
from coprodstats.models.covariance import spread
from coprodstats.models.links import LINKS
from coprodstats.models.refit import Refit, fit_rows, own_fit, unweighted, working_weights
from coprodstats.models.results import FittedModel
from coprodstats.models.separation import separating_direction
from coprodstats.models.standard import standardise
from coprodstats.models.vector_likelihood import Problem, maximise
from coprodstats.models.wald import WaldTest, joint_test
from coprodstats.survey.design import design_variance
from coprodstats.survey.display import record_html

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
ParallelLinesMethod = Literal["brant", "design", "likelihood-ratio"]

ALL_TERMS = "all terms"
TEST_COLUMNS = ("term", "statistic", "distribution", "df_num", "df_denom", "p_value", "reason")
SPLIT_COLUMNS = ("split", "parameter", "estimate", "std_error", "note")
_VALID = {
    "brant": "independent respondents, unweighted or counted",
    "design": "the model's strata, PSUs and weights",
    "likelihood-ratio": "independent respondents, unweighted or counted",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParallelLinesTest:
    """Tests that slopes are the same at every threshold, by term and of all terms.

    Attributes
    ----------
    model
        The model's name.
    method
        ``"brant"``, ``"design"`` or ``"likelihood-ratio"``.
    valid_for
        The sampling for which the p values hold.
    tests
        Columns ``term, statistic, distribution, df_num, df_denom, p_value, reason``: one row per term and
        one named ``all terms``; where there is no test, ``reason`` says why and the numbers are missing.
    splits
        The binary models of "above this threshold": ``split, parameter, estimate, std_error, note``; none
        for the likelihood ratio.
    """

    model: str
    method: str
    valid_for: str
    tests: pd.DataFrame
    splits: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return the tests with the model's name and the method in front."""
        frame = self.tests.copy()
        frame.insert(0, "model", self.model)
        frame.insert(1, "method", self.method)
        return frame

    def _repr_html_(self) -> str:
        return record_html(self, tables={"tests": self.tests, "splits": self.splits})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Splits:
    """Slopes of the binary models, shape (K-1, p), with their joint covariance by rows."""

    slopes: Floats
    covariance: Floats
    influence: Floats | None


def parallel_lines_test(
    model: FittedModel, *, method: ParallelLinesMethod | None = None
) -> ParallelLinesTest:
    """Test whether the slopes of a proportional odds model are the same at every threshold.

    Parameters
    ----------
    model
        An ordinal logit model with three or more categories.
    method
        ``"brant"``, for ``covariance="model"`` (its default): Brant's Wald test of independent respondents.
        ``"design"``, for the other covariances (their default): the same contrasts with the covariance that
        the design gives to the stacked binary models. ``"likelihood-ratio"``, for models of independent,
        equally weighted respondents: against the model whose slopes differ between thresholds.

    Returns
    -------
    ParallelLinesTest
        One test per term and one of all terms; what can't be tested says why.

    Raises
    ------
    ArgumentError
        If the model is binary, of another link, or not of the kind that the method is for.

    Notes
    -----
    The K-1 logistic models of "above threshold m" are compared with the first. Brant (1990, *Biometrics* 46,
    1171-1178) gives their covariance for independent respondents: ``A_m^-1 (X' W_ml X) A_l^-1`` with
    ``W_ml = p_l (1 - p_m)`` for m < l, p the fitted probability of being above. Under a design it is the
    linearised covariance of their stacked influences (Binder 1983), tested by the adjusted Wald F on
    (q, d - q + 1) degrees of freedom. The likelihood-ratio test fits Peterson and Harrell's (1990, *Applied
    Statistics* 39, 205-217) unconstrained partial proportional odds model.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from coprodstats import ologit
    >>> rng = np.random.default_rng(7)
    >>> age = rng.normal(size=300)
    >>> answer = pd.cut(age + rng.logistic(size=300), [-9, -0.5, 0.8, 12], labels=["low", "mid", "high"])
    >>> model = ologit("trust ~ age", pd.DataFrame({"trust": answer, "age": age}), covariance="model")
    >>> parallel_lines_test(model).tests[["term", "distribution", "df_num"]].to_dict("list")
    {'term': ['age', 'all terms'], 'distribution': ['chi2', 'chi2'], 'df_num': [1, 1]}
    """
    x, fit = own_fit(model, "parallel_lines_test")
    chosen = _check(model, method)
    if chosen == "likelihood-ratio":
        return _result(model, chosen, _ratio_tests(model, x, fit), pd.DataFrame(columns=list(SPLIT_COLUMNS)))
    separated = _separated(model, x)
    if separated:
        reason = "; ".join(separated.values())
        tests = [_absent(term, reason) for term in (*_terms(model), ALL_TERMS)]
        notes = [(split, "", np.nan, np.nan, note) for split, note in separated.items()]
        return _result(model, chosen, tests, pd.DataFrame(notes, columns=list(SPLIT_COLUMNS)))
    splits = _fit_splits(model, x, by_design=chosen == "design")
    return _result(model, chosen, _wald_tests(model, splits), _split_frame(model, splits))


def _result(
    model: FittedModel, method: str, tests: list[dict[str, Any]], splits: pd.DataFrame
) -> ParallelLinesTest:
    frame = pd.DataFrame(tests, columns=list(TEST_COLUMNS)).astype({"df_num": int})
    return ParallelLinesTest(
        model=model.name, method=method, valid_for=_VALID[method], tests=frame, splits=splits
    )


def _check(model: FittedModel, method: str | None) -> ParallelLinesMethod:
    where = "parallel_lines_test"
    faults = []
    if method not in (None, *get_args(ParallelLinesMethod)):
        faults.append(
            Fault(
                where=f"{where}: method",
                found=f"{method!r} is not one",
                allowed=listed(get_args(ParallelLinesMethod)),
            )
        )
    if len(model.categories) < 3:
        found = "its outcome has two categories, so that there is one threshold only"
        faults.append(Fault(where=f"{where}: model {model.name!r}", found=found, allowed="three or more"))
    if model.link.name != "logit":
        found = f"its link is {model.link.name}"
        faults.append(Fault(where=f"{where}: model {model.name!r}", found=found, allowed="the logit link"))
    if faults:
        raise ArgumentError(*faults)
    if method is None:
        return "brant" if model.covariance == "model" else "design"
    fits = {
        "brant": model.covariance == "model",
        "design": model.covariance != "model",
        "likelihood-ratio": unweighted(model),
    }
    if not fits[method]:
        allowed = ", ".join(name for name, right in fits.items() if right)
        raise ArgumentError(
            Fault(
                where=f"{where}: method",
                found=f"{method!r} is not valid for this model (covariance={model.covariance!r})",
                allowed=allowed,
                remedy="refit with covariance='model' (independent respondents), 'robust' or 'design'",
            )
        )
    return method  # type: ignore[return-value]


def _terms(model: FittedModel) -> dict[str, list[int]]:
    """Return each term's columns."""
    terms: dict[str, list[int]] = {}
    for j, column in enumerate(model.spec.columns):
        terms.setdefault(column.term, []).append(j)
    return terms


def _split_names(model: FittedModel) -> list[str]:
    return [f"> {category}" for category in model.categories[:-1]]


def _separated(model: FittedModel, x: Floats) -> dict[str, str]:
    """Return the splits whose binary model has no finite estimate, with the columns that separate them."""
    centred = x - np.average(x, axis=0, weights=model.sample_weights)
    unit = centred / np.sqrt((centred**2).mean(axis=0))
    found = {}
    for m, name in enumerate(_split_names(model)):
        direction = separating_direction(unit, (model.sample_y > m).astype(np.intp), 1)
        if direction is None:
            continue
        slopes = np.abs(direction[1:])
        by = [c.name for c, b in zip(model.spec.columns, slopes, strict=True) if b > 1e-6 * slopes.max()]
        found[name] = f"the split {name!r} is separated by {listed(by)}: its estimates are not finite"
    return found


def _fit_splits(model: FittedModel, x: Floats, *, by_design: bool) -> _Splits:
    w = working_weights(model)
    n_splits = len(model.categories) - 1
    fits = [
        fit_rows(x, (model.sample_y > m).astype(np.intp), w, n_cuts=1, link=LINKS["logit"])
        for m in range(n_splits)
    ]
    slopes = np.array([fit.theta[1:] for fit in fits])
    if by_design:
        stacked = spread(np.hstack([fit.influence[:, 1:] for fit in fits]), model.used)
        covariance = design_variance(stacked, model.design, model.used)
        return _Splits(slopes=slopes, covariance=covariance, influence=stacked)
    return _Splits(slopes=slopes, covariance=_brant_covariance(x, w, fits), influence=None)


def _brant_covariance(x: Floats, w: Floats, fits: Sequence[Refit]) -> Floats:
    """Return the covariance of the stacked slopes for independent rows, shape ((K-1) p, (K-1) p)."""
    p = x.shape[1]
    design = np.column_stack([-np.ones(len(x)), x])  # the threshold is minus the intercept
    above = [1 / (1 + np.exp(-(design @ fit.theta))) for fit in fits]
    covariance = np.empty((len(fits) * p, len(fits) * p))
    for m, first in enumerate(fits):
        for k in range(m, len(fits)):
            # Being above k implies being above m: their covariance is P(above k) (1 - P(above m)).
            middle = design.T @ (design * (w * above[k] * (1 - above[m]))[:, None])
            block = (first.naive @ middle @ fits[k].naive)[1:, 1:]
            covariance[m * p : (m + 1) * p, k * p : (k + 1) * p] = block
            covariance[k * p : (k + 1) * p, m * p : (m + 1) * p] = block.T
    return covariance


def _wald_tests(model: FittedModel, splits: _Splits) -> list[dict[str, Any]]:
    terms = _terms(model)
    wanted = {**terms, ALL_TERMS: list(range(splits.slopes.shape[1]))}
    return [_wald_row(model, splits, term, columns) for term, columns in wanted.items()]


def _wald_row(model: FittedModel, splits: _Splits, term: str, columns: list[int]) -> dict[str, Any]:
    n_splits, p = splits.slopes.shape
    contrast = np.kron(np.column_stack([np.ones(n_splits - 1), -np.eye(n_splits - 1)]), np.eye(p)[columns])
    difference = contrast @ splits.slopes.ravel()
    covariance = contrast @ splits.covariance @ contrast.T
    q = len(difference)
    try:
        test = joint_test(difference, covariance, df=model.df, rule=model.df_rule, null="parallel lines")
    except InsufficientDataError:
        return _absent(term, f"{q} restrictions and {model.df:.0f} degrees of freedom")
    if test.n_restrictions < q:
        return _absent(term, f"the covariance of its {q} differences between splits is singular")
    return _wald_numbers(term, test)


def _wald_numbers(term: str, test: WaldTest) -> dict[str, Any]:
    chi2 = bool(np.isinf(test.df_denom))
    return {
        "term": term,
        "statistic": test.statistic * test.df_num if chi2 else test.statistic,
        "distribution": "chi2" if chi2 else "F",
        "df_num": test.df_num,
        "df_denom": test.df_denom,
        "p_value": test.p_value,
        "reason": "",
    }


def _absent(term: str, reason: str) -> dict[str, Any]:
    return {
        "term": term,
        "statistic": np.nan,
        "distribution": "",
        "df_num": 0,
        "df_denom": np.nan,
        "p_value": np.nan,
        "reason": f"not available: {reason}",
    }


def _split_frame(model: FittedModel, splits: _Splits) -> pd.DataFrame:
    n_splits, p = splits.slopes.shape
    names = [column.name for column in model.spec.columns]
    return pd.DataFrame(
        {
            "split": np.repeat(_split_names(model), p),
            "parameter": names * n_splits,
            "estimate": splits.slopes.ravel(),
            "std_error": np.sqrt(np.diag(splits.covariance)),
            "note": "",
        }
    )


# --- the likelihood-ratio test: partial proportional odds ---


def _ratio_tests(model: FittedModel, x: Floats, fit: Refit) -> list[dict[str, Any]]:
    wanted = {**_terms(model), ALL_TERMS: list(range(x.shape[1]))}
    return [_ratio_row(model, x, fit, term, columns) for term, columns in wanted.items()]


def _ratio_row(model: FittedModel, x: Floats, fit: Refit, term: str, columns: list[int]) -> dict[str, Any]:
    n_cuts = len(model.categories) - 1
    q = (n_cuts - 1) * len(columns)
    loglik = nonparallel_loglik(x, model.sample_y, working_weights(model), columns, n_cuts)
    if loglik is None:
        return _absent(
            term, "the model whose slopes differ between thresholds has no finite maximum on these data"
        )
    statistic = max(2 * (loglik - fit.loglik), 0.0)
    return {
        "term": term,
        "statistic": statistic,
        "distribution": "chi2",
        "df_num": q,
        "df_denom": np.inf,
        "p_value": float(stats.chi2.sf(statistic, q)),
        "reason": "",
    }


def nonparallel_loglik(x: Floats, y: Ints, w: Floats, columns: list[int], n_cuts: int) -> float | None:
    """Return the maximum of the log-likelihood when some columns have slopes of their own per threshold.

    Parameters
    ----------
    x, y, w
        Predictors (n, p), categories 0 … K-1 (n,) and weights (n,).
    columns
        The columns whose slopes differ.
    n_cuts
        K-1.

    Returns
    -------
    float or None
        The maximum; None if it is at infinity or on the border where a category's probability is zero.

    Notes
    -----
    Both ends of each row's interval are linear in the parameters, so that the logistic log-likelihood is
    concave and Newton's method finds the one maximum.
    """
    own_first = [*columns, *(j for j in range(x.shape[1]) if j not in columns)]
    _, _, standard = standardise(x[:, own_first], w)
    problem = Problem(
        model=cumulative_model(LINKS["logit"]),
        own=standard[:, : len(columns)],
        shared=standard[:, len(columns) :],
        y=y,
        w=w,
        m=n_cuts,
    )
    found = maximise(problem)
    exact = certificate(found, np.zeros(problem.size), float(w.sum()), np.eye(problem.size))
    return found.loglik if exact.converged else None
