"""What models of an outcome's mean share: one predictor, an intercept and slopes, a residual variance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coprodstats.errors import Fault, InsufficientDataError
from coprodstats.models.assemble import Form, slope_parameters, threshold_parameters
from coprodstats.models.links import Link
from coprodstats.models.prepare import Prepared
from coprodstats.models.responses import Response, parallel_map

Floats = NDArray[np.float64]


def mean_form(ready: Prepared, link: Link, response: Response) -> Form:
    """Return what the parameters of a model of a mean stand for."""
    p = len(ready.spec.columns)
    return Form(
        link=link,
        response=response,
        slope_map=parallel_map(1, p),
        parameters=threshold_parameters(["Intercept"]) + slope_parameters(ready.spec.columns),
        to_reported=np.eye(1 + p),
    )


def with_constant(x: Floats) -> Floats:
    """Return columns with a column of ones before them, shape (n, 1+p)."""
    return np.column_stack([np.ones(len(x)), x])


def from_standard(ready: Prepared) -> Floats:
    """Return the matrix from (constant, slopes) of the standardised columns to those of the data's."""
    p = len(ready.centre)
    matrix = np.eye(1 + p)
    matrix[0, 1:] = -(ready.centre @ ready.inverse)
    matrix[1:, 1:] = ready.inverse
    return matrix


def residual_df(ready: Prepared) -> float:
    """Return respondents minus parameters.

    Raises
    ------
    InsufficientDataError
        If weights, read as counts, leave none.
    """
    counted, q = float(ready.scaled.sum()), 1 + len(ready.centre)
    if counted <= q:
        raise InsufficientDataError(
            Fault(
                where=f"model {ready.name!r}",
                found=f"the weights, read as counts, sum to {counted:.6g} for {q} parameters",
                remedy="covariance='robust', or a design, for weights that are no counts",
            )
        )
    return counted - q
