"""Reading the committed numbers, and the one measure of distance from them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels

from . import make_data

HERE = Path(__file__).resolve().parent
UCLA = Path(statsmodels.__file__).parent / "miscmodels" / "tests" / "results" / "ologit_ucla.csv"


@cache
def numbers(script: str) -> dict[tuple[str, str], pd.Series]:
    """Return a script's numbers: for each case and quantity, the values by name."""
    frame = pd.read_csv(HERE / "numbers" / f"{script}.csv", comment="#", keep_default_na=False)
    groups = frame.groupby(["case", "quantity"], sort=False)
    return {key: part.set_index("name")["value"] for key, part in groups}


def cases(script: str, quantity: str, start: str = "") -> list[str]:
    """Return the cases for which a script wrote a quantity."""
    return [case for case, found in numbers(script) if found == quantity and case.startswith(start)]


@cache
def data(name: str) -> pd.DataFrame:
    """Return one of the data sets with its categories in order."""
    if name == "ucla":
        frame = pd.read_csv(UCLA)
        frame["apply"] = _ordered(frame["apply"], ["unlikely", "somewhat likely", "very likely"])
        return frame
    if name == "housing":
        frame = pd.read_csv(make_data.DATA / "housing.csv", comment="#")
        levels = {
            "Sat": ["Low", "Medium", "High"],
            "Infl": ["Low", "Medium", "High"],
            "Type": ["Tower", "Apartment", "Atrium", "Terrace"],
            "Cont": ["Low", "High"],
        }
        return frame.assign(**{column: _ordered(frame[column], order) for column, order in levels.items()})
    return make_data.read(f"{name}.csv")


def error(ours: pd.Series, theirs: pd.Series, floor: pd.Series | float = 0.0) -> float:
    """Return the largest difference relative to R's number, or to ``floor`` where that is larger."""
    assert set(ours.index) == set(theirs.index), sorted(set(ours.index) ^ set(theirs.index))
    ours = ours[theirs.index]
    scale = np.maximum(theirs.abs(), floor[theirs.index] if isinstance(floor, pd.Series) else floor)
    return float(((ours - theirs).abs() / scale).max())


def _ordered(column: pd.Series, levels: list[str]) -> pd.Series:
    return pd.Series(pd.Categorical(column, categories=levels, ordered=True), index=column.index)
