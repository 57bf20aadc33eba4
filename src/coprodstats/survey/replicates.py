"""Replicates of a survey: bootstrap weights that respect strata and PSUs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from coprodstats.survey.design import ResolvedDesign

Floats = NDArray[np.float64]


def bootstrap_weights(design: ResolvedDesign, n_replicates: int, *, seed: int) -> Iterator[Floats]:
    """Yield the weights of each replicate of a rescaled bootstrap of PSUs, shape (n,) each.

    Parameters
    ----------
    design
        The design.
    n_replicates
        How many.
    seed
        Seed of NumPy's PCG64 generator.

    Notes
    -----
    In each stratum n_h - 1 of the n_h PSUs are drawn with replacement and the weights multiplied by
    n_h / (n_h - 1) times the number of draws (Rao and Wu 1988, *JASA* 83, 231-241; Rao, Wu and Yue 1992,
    *Survey Methodology* 18, 209-217). A stratum with a single PSU keeps it.

    Examples
    --------
    >>> import pandas as pd
    >>> from coprodstats.survey.design import resolve_design
    >>> design = resolve_design(None, pd.DataFrame({"y": [1.0, 2.0, 3.0, 4.0]}))
    >>> [float(w.sum()) for w in bootstrap_weights(design, 2, seed=1)]
    [4.0, 4.0]
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    members = [np.flatnonzero(design.psu_stratum == h) for h in range(design.n_strata)]
    for _ in range(n_replicates):
        multiplier = np.ones(design.n_psu)
        for psus in members:
            size = len(psus)
            if size > 1:
                drawn = rng.multinomial(size - 1, np.full(size, 1 / size))
                multiplier[psus] = drawn * (size / (size - 1))
        yield design.weights * multiplier[design.psu]
