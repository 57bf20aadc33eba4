"""Codes, strata and units numbered from tables are those that sorting gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprodstats import SurveyDesign
from coprodstats.survey import numbering
from coprodstats.survey.design import resolve_design

ROWS = 60
few = st.lists(st.integers(-3, 9), min_size=1, max_size=ROWS)


@given(
    codes=few,
    kind=st.sampled_from(["int8", "int32", "int64"]),
    piece=st.integers(1, ROWS),
    per_code=st.integers(0, 4),
)
def test_codes_are_numbered_as_sorting_does(codes: list[int], kind: str, piece: int, per_code: int) -> None:
    values = np.array(codes, dtype=kind)
    _, wanted_first, wanted = np.unique(values, return_index=True, return_inverse=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbering, "PIECE", piece)
        patch.setattr(numbering, "SOME_ROWS", piece)
        patch.setattr(numbering, "ROWS_PER_CODE", per_code)
        number, first = numbering.numbered(values, 20, lowest=-3)
        small, first_of_small = numbering.numbered(values, 20, lowest=-3, small=True)
        occurring = numbering.occurring(values + 3, 13)
        ends = numbering.extent(values)
    assert number.dtype == np.intp
    assert np.array_equal(number, wanted)
    assert np.array_equal(first, wanted_first)
    assert small.dtype == np.int8
    assert np.array_equal(small, wanted)
    assert np.array_equal(first_of_small, wanted_first)
    assert ends == (min(codes), max(codes))
    assert np.array_equal(occurring, np.isin(np.arange(-3, 10), values))


@pytest.mark.parametrize("nested", [True, False])
@given(data=st.data(), kind=st.sampled_from(["int16", "int64", "float64", "category"]))
def test_strata_and_units_are_numbered_as_sorting_does(
    data: st.DataObject, kind: str, *, nested: bool
) -> None:
    unit = data.draw(st.lists(st.integers(0, 11), min_size=2, max_size=ROWS), label="unit")
    if nested:
        # Each unit lies in one stratum, but the units of a stratum are no neighbours.
        of_unit = data.draw(st.lists(st.integers(0, 3), min_size=12, max_size=12), label="stratum of a unit")
        stratum = [of_unit[one] for one in unit]
    else:
        stratum = data.draw(st.lists(st.integers(0, 3), min_size=len(unit), max_size=len(unit)))
    frame = pd.DataFrame({"stratum": stratum, "unit": unit}).astype(kind)
    design = SurveyDesign(strata="stratum", psu="unit", nested=True, lonely_psu="remove")
    bound = resolve_design(design, frame)
    psu = frame.groupby(["stratum", "unit"], observed=True).ngroup()
    of_row = frame.groupby("stratum", observed=True).ngroup()
    assert bound.psu.tolist() == psu.tolist()
    assert bound.stratum.tolist() == of_row.tolist()
    assert bound.psu_stratum.tolist() == of_row.groupby(psu).first().tolist()
    labels = sorted(set(frame["stratum"].astype("float64" if kind == "float64" else "int64")))
    assert bound.stratum_labels == tuple(map(str, labels))
