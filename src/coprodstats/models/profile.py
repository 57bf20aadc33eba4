"""Intervals from the profile of a likelihood, plain or penalised, which need not be symmetric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from coprodstats.errors import ArgumentError, ConvergenceError, Fault, did_you_mean, listed
from coprodstats.models import penalised, search
from coprodstats.models.jeffreys import Problem
from coprodstats.models.matrix import rebuild_matrix
from coprodstats.models.refit import SAME_FIT, require_model, unweighted, working_weights
from coprodstats.models.results import FittedModel
from coprodstats.models.standard import standardise

Floats = NDArray[np.float64]

# A limit further away than this many standard errors is not looked for.
FAR = 200.0
# Steps in which a fixed parameter may reach its value; one is enough unless thresholds would cross.
MAX_STEPS = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Top:
    """A maximum, and how its parameters are made of theta."""

    problem: Problem
    theta: Floats
    criterion: float
    inverse: Floats
    to_user: Floats


def profile_interval(
    model: FittedModel, parameters: Sequence[str] | str | None = None, *, level: float = 0.95
) -> pd.DataFrame:
    """Return intervals of parameters from the profile of the model's (penalised) likelihood.

    Parameters
    ----------
    model
        A model fitted to respondents that are independent: with ``covariance="model"``, or
        ``covariance="robust"`` and equal weights.
    parameters
        Names of parameters, such as ``"gender[T.other]"``; all slopes by default.
    level
        Probability with which an interval covers.

    Returns
    -------
    pandas.DataFrame
        Columns ``parameter, estimate, conf_low, conf_high, statistic, p_value``: the values that lower twice
        the (penalised) log-likelihood, maximised over the other parameters, by no more than the quantile of
        chi-squared with one degree of freedom; the likelihood-ratio test that the parameter is zero.

    Raises
    ------
    ArgumentError
        If the model rests on a design or on weights that are no counts, is of another kind, or lacks a
        parameter.
    ConvergenceError
        If the profile can't be followed.

    Notes
    -----
    For separated data Heinze and Schemper (2002, *Statistics in Medicine* 21, 2409-2419) advise these
    intervals instead of Wald's: the penalised likelihood is far from quadratic there. The determinant in the
    penalty is that of all parameters, the fixed one included, as in R's logistf. Without a penalty they are
    the intervals of R's ``confint`` for ``glm``, ``polr`` and ``clm``.

    Examples
    --------
    >>> from coprodstats import logit
    >>> frame = pd.DataFrame({"joins": [0, 0, 0, 1, 0, 1, 1, 1, 1, 1], "age": [3, 1, 2, 4, 3, 5, 6, 5, 6, 7]})
    >>> model = logit("joins ~ age", frame, covariance="model", separation="firth")
    >>> profile_interval(model)[["conf_low", "conf_high"]].round(2).to_numpy().tolist()
    [[0.31, 7.07]]
    """
    positions = _positions(model, parameters, level)
    top = _top(model)
    drop = float(stats.chi2.ppf(level, 1)) / 2
    rows = []
    for j in positions:
        estimate = float(model.estimates[j])
        fall = top.criterion - _profiled(top, j, 0.0, top.theta)[0]
        rows.append(
            {
                "parameter": model.parameters[j].name,
                "estimate": estimate,
                "conf_low": _limit(top, j, -1.0, drop),
                "conf_high": _limit(top, j, 1.0, drop),
                "statistic": 2 * max(fall, 0.0),
                "p_value": float(stats.chi2.sf(2 * max(fall, 0.0), 1)),
            }
        )
    return pd.DataFrame(rows)


def _positions(model: FittedModel, parameters: Sequence[str] | str | None, level: float) -> list[int]:
    require_model(model, "profile_interval")
    where = f"profile_interval: model {model.name!r}"
    faults = []
    if not 0 < level < 1:
        faults.append(Fault(where="profile_interval: level", found=f"{level}", allowed="between 0 and 1"))
    names = [p.name for p in model.parameters]
    if parameters is None:
        wanted = [p.name for p in model.parameters if p.kind == "slope"]
    else:
        wanted = [parameters] if isinstance(parameters, str) else list(parameters)
    if not wanted:
        faults.append(Fault(where=where, found="no parameter is named", allowed=listed(names, most=30)))
    faults += [
        Fault(
            where=where,
            found=f"it has no parameter {name!r}",
            allowed=listed(names, most=30),
            remedy=did_you_mean(str(name), names),
        )
        for name in wanted
        if name not in names
    ]
    if model.family not in {"logit", "ologit"}:
        faults.append(Fault(where=where, found=f"its family is {model.family}", allowed="logit and ologit"))
    if not unweighted(model):
        faults.append(
            Fault(
                where=where,
                found="a profile needs the likelihood of independent respondents, and this model rests on "
                "sampling weights or a design",
                remedy="covariance='model', which reads weights as counts; or conf_int()",
            )
        )
    if faults:
        raise ArgumentError(*faults)
    return [names.index(name) for name in wanted]


def _top(model: FittedModel) -> _Top:
    """Return the model's maximum, found again from its estimates."""
    n_cuts = len(model.categories) - 1
    x, w = rebuild_matrix(model.spec, model.sample), working_weights(model)
    same = len(model.estimates) == n_cuts + x.shape[1]
    if same:
        centre, inverse, standard = standardise(x, w)
        problem = Problem(
            x=standard,
            y=model.sample_y,
            w=w,
            n_cuts=n_cuts,
            link=model.link,
            offset=model.offset,
            prior=bool(model.penalty),
        )
        to_raw = np.eye(problem.size)
        to_raw[:n_cuts, n_cuts:] = centre @ inverse
        to_raw[n_cuts:, n_cuts:] = inverse
        found = penalised.maximise(problem, start=_exact(np.linalg.solve(to_raw, model.theta)))
        to_user = model.to_user @ to_raw
        scale = np.sqrt(np.diag(to_user @ np.linalg.inv(found.fisher) @ to_user.T))
        moved = np.abs(to_user @ found.estimate.theta - model.estimates)
        same = bool(np.all(moved <= SAME_FIT * scale))
    if not same:
        raise ArgumentError(
            Fault(
                where=f"profile_interval: model {model.name!r}",
                found="its estimates are not those of its columns by maximum (penalised) likelihood",
                allowed="models whose slopes are the same at all thresholds",
            )
        )
    return _Top(
        problem=problem,
        theta=found.estimate.theta,
        criterion=found.criterion,
        inverse=_exact(np.linalg.inv(found.estimate.information)),
        to_user=to_user,
    )


def _exact(values: Any) -> Floats:
    """Return what numpy's solvers give as the double precision that it is."""
    return np.asarray(values, dtype=np.float64)


def _profiled(top: _Top, j: int, value: float, start: Floats) -> tuple[float, Floats]:
    """Return the greatest criterion with one parameter fixed, and where it is."""
    held = top.to_user[j]
    along = top.inverse @ held / (held @ top.inverse @ held)  # how the others follow, to first order
    theta = start
    for _ in range(MAX_STEPS):
        move = (value - float(held @ theta)) * along
        share = _feasible_share(top.problem, theta, move)
        found = penalised.maximise(top.problem, start=theta + share * move, held=held)
        if share == 0 or found.estimate.stalled:
            break
        if share == 1:
            return found.criterion, found.estimate.theta
        theta = found.estimate.theta
    raise _lost("the likelihood could not be maximised with one parameter fixed")


def _lost(found: str) -> ConvergenceError:
    remedy = "conf_int(), or merge sparse categories"
    return ConvergenceError(Fault(where="profile_interval", found=found, remedy=remedy))


def _feasible_share(problem: Problem, theta: Floats, move: Floats) -> float:
    """Return 1, 1/2, … or at last 0: how much of a move leaves the thresholds in order."""
    for halvings in range(search.MAX_HALVINGS):
        share = 2.0**-halvings
        if np.isfinite(penalised.criterion(problem, theta + share * move)):
            return share
    return 0.0


def _limit(top: _Top, j: int, side: float, drop: float) -> float:
    """Return where the profile has fallen by ``drop`` on one side of the estimate."""
    held = top.to_user[j]
    centre = float(held @ top.theta)
    unit = float(np.sqrt(held @ top.inverse @ held))
    last = top.theta

    def height(z: float) -> float:
        nonlocal last
        reached, last = _profiled(top, j, centre + side * z * unit, last)
        return reached - top.criterion + drop

    near, far = 0.0, float(np.sqrt(2 * drop))
    before, here = drop, height(far)
    while here > 0:
        # Along the chord of the last stretch, and a little further, but not twice as far: a limit is
        # surrounded without going where the likelihood is flat.
        beyond = far + min(far, 1.2 * here * (far - near) / max(before - here, 1e-12))
        near, far = far, beyond
        before, here = here, height(far)
        if far > FAR:
            raise _lost(f"the likelihood is nearly level up to {FAR:g} standard errors from the estimate")
    # Newton's steps leave the profile exact to rounding: so many digits of its root are worth having.
    root = optimize.brentq(height, near, far, xtol=1e-10, rtol=1e-12)
    return centre + side * float(root) * unit
