"""A fitted model with its respondents in groups by fitted value: what checks of fit start from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coprodstats.models.discrimination import TIE_DECIMALS
from coprodstats.models.refit import Refit
from coprodstats.models.results import FittedModel

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupedFit:
    """What all checks need of a model.

    Attributes
    ----------
    model
        The model.
    x
        Its design matrix, shape (n, p).
    fit
        Its fit, found anew.
    weights
        The weights of its likelihood, shape (n,).
    probabilities
        Fitted probability of each category, shape (n, K).
    group
        Group of each row as 0, 1, …, shape (n,).
    n_groups
        Number of groups.
    """

    model: FittedModel
    x: Floats
    fit: Refit
    weights: Floats
    probabilities: Floats
    group: Ints
    n_groups: int

    @property
    def y(self) -> Ints:
        """Each row's category as 0 … K-1."""
        return self.model.sample_y

    @property
    def binary(self) -> bool:
        """Whether the outcome has two categories."""
        return len(self.model.categories) == 2


def weighted_groups(score: Floats, weights: Floats, groups: int) -> tuple[Ints, int]:
    """Return the group of each row, of about equal weight by score, and how many groups there are.

    Parameters
    ----------
    score
        What rows are ordered by, shape (n,); values equal to 12 decimals are ties and stay together.
    weights
        Weights, shape (n,).
    groups
        Groups wanted.

    Examples
    --------
    >>> weighted_groups(np.array([0.1, 0.2, 0.2, 0.4]), np.array([2.0, 1.0, 1.0, 4.0]), 2)
    (array([0, 0, 0, 1]), 2)
    """
    distinct, tie = np.unique(np.round(score, TIE_DECIMALS), return_inverse=True)
    weight = np.bincount(tie, weights, minlength=len(distinct))
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    # Middles that fall on a border by arithmetic must not be moved by rounding.
    raw = np.minimum(np.floor(np.round(middle * groups, 9)), groups - 1).astype(np.intp)
    kept, position = np.unique(raw[tie], return_inverse=True)
    return position.astype(np.intp), len(kept)


def group_means(values: Floats, fitted: GroupedFit) -> tuple[Floats, Floats]:
    """Return weighted means by group, shape (g, m), and each row's influence on them, shape (n, g m)."""
    marks = np.eye(fitted.n_groups)[fitted.group] * fitted.weights[:, None]
    share = marks / marks.sum(axis=0)
    mean = share.T @ values
    influence = share[:, :, None] * (values[:, None, :] - mean[None, :, :])
    return mean, influence.reshape(len(values), -1)
