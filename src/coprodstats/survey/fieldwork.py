"""The clerical faults that fieldwork leaves in a file, planted in a drawn survey."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from coprodstats.errors import ArgumentError, Fault

PLANTED_FAULTS: Mapping[str, int] = {
    "rows sent twice": 6,
    "empty rows": 1,
    "ages out of range": 7,
    "ages in words": 2,
    "unlabelled codes in saf_advice": 3,
    "unlabelled codes in env_travel": 4,
    "unlabelled codes in hlt_diet": 2,
    "blank cells in info_env": 12,
}

_WRONG_AGES = ("7", "117", "999", "999", "0", "199", "12")
_AGES_IN_WORDS = ("forty-two", "sixty one")
_UNLABELLED = {"saf_advice": ("5", "5", "6"), "env_travel": ("5", "6", "6", "5"), "hlt_diet": ("6", "5")}


def as_fieldwork_export(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return a drawn survey as text codes with the clerical faults of a fieldwork file.

    `PLANTED_FAULTS` lists the faults and their counts; no row carries two of them.

    Parameters
    ----------
    frame
        What `simulate` returned, at least 100 rows.
    seed
        Seed of the places where the faults go.

    Returns
    -------
    The same columns as text, exactly as they are written to a file; missing where a cell is blank.
    Rows sent twice follow their first copy at some distance; the empty row stands among the others.

    Raises
    ------
    ArgumentError
        If the frame has fewer than 100 rows.

    Examples
    --------
    >>> from coprodstats.survey.simulate import simulate
    >>> export = as_fieldwork_export(simulate(n_per_country=100, seed=1), seed=2)
    >>> len(export), int(export["resp_id"].duplicated().sum())
    (507, 6)
    """
    if len(frame) < 100:
        raise ArgumentError(Fault(where="frame", found=f"{len(frame)} rows", allowed="100 rows or more"))
    rng = np.random.default_rng(seed)
    export = frame.astype("str").astype("object")
    export["weight"] = [f"{weight:.10g}" for weight in frame["weight"]]
    places = iter(rng.permutation(len(frame)).tolist())
    for column, codes in {"age": (*_WRONG_AGES, *_AGES_IN_WORDS), **_UNLABELLED}.items():
        for code in codes:
            export.loc[next(places), column] = code
    for _ in range(PLANTED_FAULTS["blank cells in info_env"]):
        export.loc[next(places), "info_env"] = None
    twice = sorted(next(places) for _ in range(PLANTED_FAULTS["rows sent twice"]))
    return _with_extra_rows(export, twice, rng).astype("str")


def _with_extra_rows(export: pd.DataFrame, twice: list[int], rng: np.random.Generator) -> pd.DataFrame:
    """Insert copies of rows below their originals and one empty row somewhere."""
    n = len(export)
    empty = pd.DataFrame(None, index=[n], columns=export.columns, dtype="object")
    below = [float(rng.integers(row, n)) + 0.5 for row in twice]
    order = np.concatenate([np.arange(n), below, [float(rng.integers(n)) + 0.25]])
    both = pd.concat([export, export.iloc[twice], empty], ignore_index=True)
    return both.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)
