"""From a design with strata and PSUs to the same design with replicate weights made from them."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from coprodstats.errors import ArgumentError, Fault
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import ReplicateMethod, SurveyDesign, resolve_design


def replicate_design(
    data: CleanedSurvey | pd.DataFrame,
    *,
    method: ReplicateMethod,
    design: SurveyDesign | None = None,
    n_replicates: int | None = None,
    seed: int | None = None,
    fay_rho: float | None = None,
    order: str | None = None,
    mse: bool = False,
    df: int | None = None,
) -> SurveyDesign:
    """Return a design whose variances come from replicate weights made from its strata and PSUs.

    The result is a declaration like any other, to be passed as ``design=``: the weights are made from the
    data, the same ones every time, wherever it is used.

    Parameters
    ----------
    data
        A cleaned survey, which brings its design, or a DataFrame.
    method
        ``"jk1"`` and ``"jkn"``: each PSU is left out once, without and with strata. ``"brr"`` and ``"fay"``:
        balanced half-samples of strata with two PSUs each. ``"bootstrap"``: Rao and Wu's, of one PSU fewer
        than there are in each stratum. ``"sdr"``: successive differences of PSUs in the order in which they
        were drawn.
    design
        The sampling design.
    n_replicates, seed
        For the bootstrap: how many, and the seed of NumPy's PCG64 generator.
    fay_rho
        For Fay's method: what the weights of the other half are multiplied by, at least 0 and below 1.
    order
        For successive differences: the column that orders the PSUs within strata.
    mse
        Whether replicates deviate from the estimate, or else from their mean.
    df
        Degrees of freedom; none means PSUs minus strata, at most replicates minus one.

    Returns
    -------
    SurveyDesign
        The design with ``replicate_method`` and what it needs.

    Raises
    ------
    ArgumentError
        If an argument is missing, or the method has no use for it, or there is no design.
    DesignError
        If the method can't represent the design: strata without exactly two PSUs for balanced half-samples,
        finite populations for anything but the jackknife.

    Notes
    -----
    As ``as.svrepdesign`` of the R package survey, whose ``subbootstrap`` is the bootstrap here (Rao and Wu
    1988, *JASA* 83, 231-241); successive differences after Fay and Train (1995) and Ash (2014).

    Examples
    --------
    >>> frame = pd.DataFrame({"region": list("aabb"), "town": [1, 2, 3, 4], "y": [1.0, 3.0, 5.0, 9.0]})
    >>> towns = SurveyDesign(strata="region", psu="town")
    >>> replicate_design(frame, design=towns, method="jkn").describe()
    'equal weights, strata: region, PSUs: town, stratified jackknife (JKn)'
    """
    frame = data.frame if isinstance(data, CleanedSurvey) else data
    if design is None and isinstance(data, CleanedSurvey):
        design = data.design
    if design is None or design.replicate_method is not None:
        found = "there is none" if design is None else "it has replicate weights already"
        allowed = "a SurveyDesign with strata or PSUs"
        raise ArgumentError(Fault(where="replicate_design: design", found=found, allowed=allowed))
    made = replace(
        design,
        replicate_method=method,
        n_replicates=n_replicates,
        seed=seed,
        fay_rho=fay_rho,
        replicate_order=order,
        mse=mse,
        replicate_df=df,
    )
    resolve_design(made, frame)
    return made
