"""Offsets: a known part of the linear predictor."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import coprodstats as cps
from coprodstats import SurveyDesign, adjacent_categories, continuation_ratio, logit, margins, ologit, predict
from coprodstats.errors import ArgumentError, ModelError

DESIGN = SurveyDesign(weights="w", psu="town")


def by_split(formula: str, data: pd.DataFrame, **options):
    return ologit(formula, data, nonparallel="z", **options)


def top(formula: str, data: pd.DataFrame, **options):
    return logit(formula.replace("y ~", "top ~"), data, **options)


FITTERS = [top, ologit, by_split, adjacent_categories, continuation_ratio]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(17)
    n = 300
    data = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "z": rng.normal(size=n),
            "w": rng.uniform(0.5, 2, n),
            "known": rng.normal(size=n),
        }
    )
    data["town"] = rng.integers(0, 30, n)
    latent = 0.5 * data["x"] - 0.3 * data["z"] + data["known"] + rng.logistic(size=n)
    data["y"] = pd.cut(latent, [-np.inf, -0.5, 1.0, np.inf], labels=["low", "mid", "high"])
    data["top"] = (data["y"] == "high").astype(int)
    return data.assign(part=0.7 * data["x"], none=0.0, shifted=data["known"] + 2.5)


@pytest.mark.parametrize("fitter", FITTERS)
def test_an_offset_that_is_part_of_a_predictor_takes_its_coefficient(frame: pd.DataFrame, fitter) -> None:
    without = fitter("y ~ x + z", frame, design=DESIGN)
    part = fitter("y ~ x + z", frame, design=DESIGN, offset="part")
    moved = without.params - part.params
    assert moved["x"] == pytest.approx(0.7, rel=1e-11)
    assert moved.drop("x").to_numpy() == pytest.approx(np.zeros(len(moved) - 1), abs=1e-11)
    assert part.bse.to_numpy() == pytest.approx(without.bse.to_numpy(), rel=1e-9)
    assert part.llf == pytest.approx(without.llf, rel=1e-13)
    assert part.fittedvalues.to_numpy() == pytest.approx(without.fittedvalues.to_numpy(), abs=1e-12)


@pytest.mark.parametrize("fitter", FITTERS)
def test_an_offset_of_zero_is_none_and_a_constant_moves_thresholds(frame: pd.DataFrame, fitter) -> None:
    without, zero = (fitter("y ~ x + z", frame, offset=o) for o in (None, "none"))
    assert zero.params.to_numpy() == pytest.approx(without.params.to_numpy(), rel=1e-11)
    assert zero.llnull == pytest.approx(without.llnull, rel=1e-13)
    one, two = (fitter("y ~ x + z", frame, offset=o) for o in ("known", "shifted"))
    assert (two.thresholds - one.thresholds).to_numpy() == pytest.approx(2.5, rel=1e-10)
    assert two.params["x"] == pytest.approx(one.params["x"], rel=1e-10)
    assert two.llnull == pytest.approx(one.llnull, rel=1e-13)
    assert one.llnull != pytest.approx(without.llnull, rel=1e-4)  # the offset stays where predictors leave


@pytest.mark.parametrize("fitter", FITTERS)
def test_predictions_and_margins_keep_the_offset(frame: pd.DataFrame, fitter) -> None:
    model = fitter("y ~ x + z", frame, offset="known", design=DESIGN)
    assert predict(model, frame).to_numpy() == pytest.approx(predict(model).to_numpy(), abs=1e-15)
    other = predict(model, frame.assign(known=0.0))
    assert not np.allclose(other.to_numpy(), predict(model).to_numpy())
    steps = [
        np.average(predict(model, frame.assign(x=frame["x"] + h)), axis=0, weights=frame["w"])
        for h in (1e-4, -1e-4)
    ]
    # central difference of a step of 1e-4
    assert margins(model, "x")["estimate"].to_numpy() == pytest.approx((steps[0] - steps[1]) / 2e-4, abs=1e-9)
    fixed = cps.average_predictions(model, {"x": [1.0]})["estimate"].to_numpy()
    assert fixed == pytest.approx(
        np.average(predict(model, frame.assign(x=1.0)), axis=0, weights=frame["w"]), abs=1e-13
    )
    assert "offset known" in str(model.summary())


@pytest.mark.parametrize("fitter", FITTERS)
def test_rows_without_an_offset_are_outside_the_sample_and_counted(frame: pd.DataFrame, fitter) -> None:
    gaps = frame.assign(known=frame["known"].where(frame.index % 5 != 0))
    model = fitter("y ~ x + z", gaps, offset="known", design=DESIGN)
    assert model.nobs == 240
    assert model.dropped.set_index("variable").loc["known", "rows"] == 60
    inside = fitter("y ~ x + z", frame, offset="known", design=DESIGN, domain=frame.index % 5 != 0)
    assert model.params.to_numpy() == pytest.approx(inside.params.to_numpy(), rel=1e-13)
    assert model.bse.to_numpy() == pytest.approx(inside.bse.to_numpy(), rel=1e-12)


def test_a_predictor_may_be_the_offset_too(frame: pd.DataFrame) -> None:
    model = ologit("y ~ x + z", frame, offset="x")
    assert model.params["x"] == pytest.approx(ologit("y ~ x + z", frame).params["x"] - 1, rel=1e-10)
    assert list(model.sample.columns) == ["x", "z"]
    assert set(margins(model, "z")["variable"]) == {"z"}
    for call in (lambda: margins(model), lambda: margins(model, "z", at={"x": 1})):
        with pytest.raises(ArgumentError, match=r"'x' is the model's offset as well, which stays as it is"):
            call()


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("knwn", r"no column 'knwn'[\s\S]*did you mean 'known'"),
        ("y", "'y' is the outcome"),
        ("text", r"offset 'text': its type is str[\s\S]*numbers"),
        ("flag", "its type is bool"),
        ("endless", "3 rows are not finite"),
        (3, "the data have no column 3"),
    ],
)
@pytest.mark.parametrize("fitter", [ologit, continuation_ratio])
def test_what_can_be_no_offset(frame: pd.DataFrame, fitter, column, message: str) -> None:
    odd = frame.assign(text="a", flag=True, endless=np.where(frame.index < 3, np.inf, 0.0))
    with pytest.raises(ArgumentError, match=message):
        fitter("y ~ x", odd, offset=column)


def test_new_data_need_the_offset(frame: pd.DataFrame) -> None:
    model = ologit("y ~ x", frame, offset="known")
    with pytest.raises(ModelError, match="'known': it is absent, but it is the model's offset"):
        predict(model, frame[["x"]])
    with pytest.raises(ModelError, match="1 rows have no finite value"):
        predict(model, frame[["x", "known"]].assign(known=frame["known"].where(frame.index != 2)))
