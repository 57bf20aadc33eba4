"""Sampling in several stages: by hand, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, means
from coprodstats.errors import ArgumentError, DesignError, LonelyPSUError, WeightError
from coprodstats.survey.design import design_variance, resolve_design


def frame() -> pd.DataFrame:
    """Two towns of 4 and three of 12, homes in them, z of each; ids of homes begin anew in each town."""
    towns = [
        ("a", 1, [1.0, 3]),
        ("a", 2, [2.0, 2, 5]),
        ("b", 1, [4.0, 0]),
        ("b", 2, [1.0, 1]),
        ("b", 3, [6.0, 3]),
    ]
    rows = [
        {"region": region, "town": 10 * (region == "b") + town, "local": town, "home": home, "z": z}
        | {
            "N1": {"a": 4, "b": 12}[region],
            "N2": 10 * len(homes),
            "f1": 0.5 if region == "a" else 0.25,
            "f2": 0.1,
        }
        for region, town, homes in towns
        for home, z in enumerate(homes)
    ]
    return pd.DataFrame(rows).assign(w=1.0)


# First stage. Region a: towns' totals 4 and 9, 2 (6.25 + 6.25) = 25, times 1 - 1/2: 12.5.
# Region b: 4, 2, 9 about 5, 3/2 (1 + 9 + 16) = 39, times 3/4: 29.25.
# Second stage, times 9/10. Town a1: 1, 3: 2 (1 + 1) = 4. a2: 2, 2, 5: 3/2 (1 + 1 + 4) = 9. Both times 1/2.
# b1: 4, 0: 2 (4 + 4) = 16; b2: 0; b3: 6, 3: 2 (2.25 + 2.25) = 9. All times 1/4.
FIRST = 12.5 + 29.25
SECOND = 0.9 * (0.5 * (4 + 9) + 0.25 * (16 + 0 + 9))
TWO = {"strata": "region", "psu": ("town", "home")}


def variance(data: pd.DataFrame, used: np.ndarray | None = None, **design: object) -> float:
    bound = resolve_design(SurveyDesign(weights="w", **design), data)
    return float(design_variance(data[["z"]].to_numpy(), bound, used)[0, 0])


@pytest.mark.parametrize("fpc", [("N1", "N2"), ("f1", "f2")])
def test_two_stages_by_hand(fpc: tuple[str, str]) -> None:
    assert variance(frame(), **TWO, fpc=fpc) == pytest.approx(FIRST + SECOND, rel=1e-14)


def test_ids_of_a_later_stage_are_within_the_unit_above_with_or_without_nesting() -> None:
    local = {"strata": "region", "psu": ("local", "home"), "nested": True}
    assert variance(frame(), **local, fpc=("N1", "N2")) == pytest.approx(FIRST + SECOND, rel=1e-14)


def test_the_respondents_may_be_the_last_stage() -> None:
    found = variance(frame(), strata="region", psu=("town", None), fpc=("N1", "N2"))
    assert found == pytest.approx(FIRST + SECOND, rel=1e-14)


def test_a_stage_without_a_finite_population_has_no_correction() -> None:
    wanted = FIRST + SECOND / 0.9
    assert variance(frame(), **TWO, fpc=("N1", None)) == pytest.approx(wanted, rel=1e-14)
    assert variance(frame().assign(f2=0.0), **TWO, fpc=("f1", "f2")) == pytest.approx(wanted, rel=1e-14)
    assert variance(frame().assign(N2=np.inf), **TWO, fpc=("N1", "N2")) == pytest.approx(wanted, rel=1e-14)
    # Without correction at the first stage nothing of the second is left: it is in the towns' totals.
    assert variance(frame().assign(f1=0.0), **TWO, fpc=("f1", "f2")) == pytest.approx(25 + 39, rel=1e-14)


def test_without_finite_populations_clusters_are_ultimate() -> None:
    assert variance(frame(), **TWO) == pytest.approx(25 + 39, rel=1e-14)
    assert SurveyDesign(**TWO).describe().endswith("PSUs: town > home, ultimate clusters")


def test_towns_that_are_certain_leave_the_second_stage() -> None:
    data = frame().assign(f1=1.0)
    wanted = 0.9 * (4 + 9 + 16 + 0 + 9)
    assert variance(data, **TWO, fpc=("f1", "f2")) == pytest.approx(wanted, rel=1e-14)
    assert variance(data.assign(f2=1.0), **TWO, fpc=("f1", "f2")) == 0


def test_strata_within_towns_by_hand() -> None:
    # Town b1's homes 4 and 0 in strata of their own with another each: 4, 5 and 0, 3.
    extra = frame()[frame()["town"] == 11].assign(home=[7, 8], z=[5.0, 3])
    data = pd.concat([frame(), extra], ignore_index=True)
    data["side"] = np.where((data["town"] == 11) & data["home"].isin([0, 7]), "left", "right")
    # First stage of b: 12, 2, 9 about 23/3; second: 4, 5 gives 2 (1/4 + 1/4) = 1; 0, 3 gives 9.
    squares = sum((t - 23 / 3) ** 2 for t in (12, 2, 9))
    wanted = 12.5 + 0.75 * 1.5 * squares + 0.9 * (0.5 * (4 + 9) + 0.25 * (1 + 9 + 0 + 9))
    found = variance(data, strata=("region", "side"), psu=("town", "home"), fpc=("f1", "f2"))
    assert found == pytest.approx(wanted, rel=1e-14)


def test_weights_follow_from_the_finite_populations() -> None:
    implied = resolve_design(SurveyDesign(**TWO, fpc=("f1", "f2")), frame())
    assert implied.weights == pytest.approx(10 / frame()["f1"], rel=1e-14)
    assert implied.description.startswith("weights from the finite populations, strata: region")
    counted = resolve_design(SurveyDesign(**TWO, fpc=("N1", "N2")), frame())
    assert counted.weights == pytest.approx(implied.weights, rel=1e-14)
    with pytest.raises(WeightError, match=r"do not follow from the finite populations(.|\n)*weights=\.\.\."):
        resolve_design(SurveyDesign(**TWO, fpc=("N1", None)), frame())


def test_designs_differ_by_their_stages() -> None:
    one = resolve_design(SurveyDesign(**TWO, fpc=("N1", "N2")), frame())
    assert one.same_as(resolve_design(SurveyDesign(**TWO, fpc=("N1", "N2")), frame()))
    for fpc, changed in (
        (("N1", None), frame()),
        (("N1", "N2"), frame().assign(home=range(len(frame()))[::-1])),
    ):
        other = resolve_design(SurveyDesign(**TWO, fpc=fpc, weights="w"), changed)
        assert not one.same_as(other)


# --- units that are alone ---


def alone() -> pd.DataFrame:
    """The towns with two strata of homes each: "x" as it was, and in b3 a stratum "y" with one home of 5."""
    more = frame().iloc[[-1]].assign(home=9, z=5.0)
    data = pd.concat([frame(), more], ignore_index=True)
    return data.assign(side=np.where(data["home"] == 9, "y", "x"))


SIDES = {"strata": ("region", "side"), "psu": ("town", "home"), "fpc": ("f1", "f2")}
# Towns of b: 4, 2, 14 about 20/3.
WITH_ALONE = 12.5 + 0.75 * 1.5 * sum((t - 20 / 3) ** 2 for t in (4, 2, 14))


@pytest.mark.parametrize(
    ("rule", "of_b3"),
    [
        ("remove", 9),
        ("certainty", 9),
        ("adjust", 9 + (5 - 14 / 3) ** 2),  # about the mean of the three homes of the town
        ("average", 9 * 2 / 1),  # two strata in the town, one of them with several homes
    ],
)
def test_a_home_alone_in_its_stratum_by_hand(rule: str, of_b3: float) -> None:
    wanted = WITH_ALONE + 0.9 * (0.5 * (4 + 9) + 0.25 * (16 + 0 + of_b3))
    assert variance(alone(), **SIDES, lonely_psu=rule) == pytest.approx(wanted, rel=1e-14)


def test_units_that_are_alone_are_named_at_every_stage() -> None:
    message = r"stage 2, strata 'side' in 'town': 1 of 6 strata have a single unit \(13/y\)"
    with pytest.raises(LonelyPSUError, match=message):
        variance(alone(), **SIDES)
    with pytest.raises(LonelyPSUError, match=r"stage 2 in 'town': 1 of 5 strata have a single unit \(13\)"):
        variance(frame().iloc[:-1], **TWO, fpc=("f1", "f2"))
    lonely = alone()[lambda d: (d["region"] == "a") | (d["town"] == 13)]
    with pytest.raises(
        LonelyPSUError, match=r"2 faults(.|\n)*strata 'region': 1 of 2(.|\n)*stage 2, strata 'side'"
    ):
        variance(lonely, **SIDES)


def test_an_average_of_no_other_stratum_is_refused() -> None:
    homes = frame()[lambda d: (d["town"] != 13) | (d["home"] == 0)]
    with pytest.raises(LonelyPSUError, match=r"no other stratum to take the average of: 13\n"):
        variance(homes, **TWO, fpc=("f1", "f2"), lonely_psu="average")
    alone_everywhere = frame()[lambda d: d["town"].isin([1, 11])]
    with pytest.raises(LonelyPSUError, match=r"average of: a, b\n(.|\n)*lonely_psu='adjust'"):
        variance(alone_everywhere, strata="region", psu="town", lonely_psu="average")


# --- domains ---


def domain() -> tuple[pd.DataFrame, np.ndarray]:
    """All of region a, and of region b only town b1 (total 4): influences of 0 elsewhere."""
    data = frame()
    inside = ((data["region"] == "a") | (data["town"] == 11)).to_numpy()
    return data.assign(z=np.where(inside, data["z"], 0.0)), inside


# Region a: 25. Region b: 4, 0, 0 about 4/3: 3/2 (64/9 + 16/9 + 16/9) = 16; about the mean of all five towns'
# totals, 17/5: 3/2 (0.36 + 2 x 11.56) = 35.22.
@pytest.mark.parametrize(
    ("rule", "adjusted", "wanted"),
    [
        ("remove", False, 25 + 16),
        ("adjust", False, 25 + 16),
        ("average", False, 25 + 16),
        ("adjust", True, 25 + 35.22),
        ("average", True, 25 * 2),
    ],
)
def test_a_domain_that_leaves_a_single_psu_by_hand(rule: str, adjusted: bool, wanted: float) -> None:  # noqa: FBT001
    data, inside = domain()
    rules = {"lonely_psu": rule, "adjust_domain_lonely": adjusted}
    for used in (inside, None):  # without it, the rows with an influence
        found = variance(data, used, strata="region", psu="town", **rules)
        assert found == pytest.approx(wanted, rel=1e-14)


def test_the_average_counts_the_strata_of_the_domain() -> None:
    more = frame().iloc[[-1]].assign(region="c", town=31, z=7.0)
    data = pd.concat([frame(), more], ignore_index=True)
    rules = {"strata": "region", "psu": "town", "lonely_psu": "average"}
    assert variance(data, **rules) == pytest.approx((25 + 39) * 3 / 2, rel=1e-14)
    without = data.assign(z=data["z"].where(data["region"] != "c", 0.0))
    inside = (data["region"] != "c").to_numpy()
    assert variance(without, inside, **rules) == pytest.approx(25 + 39, rel=1e-14)


def test_a_group_of_means_passes_its_rows_on() -> None:
    data, inside = domain()
    data = data.assign(inside=inside, y=frame()["z"], flat=1.0)
    rules = {"strata": "region", "psu": "town", "lonely_psu": "average"}
    plain, adjusted = (
        means(data, "y", by="inside", design=SurveyDesign(**rules, adjust_domain_lonely=flag)).iloc[1]
        for flag in (False, True)
    )
    # By hand: the mean of 1, 3, 2, 2, 5, 4, 0 is 17/7; influences add up to -6/49, 6/49 + ... in a.
    mean = 17 / 7
    towns = np.array([4 - 2 * mean, 9 - 3 * mean]) / 7
    in_a = 2 * ((towns - towns.mean()) ** 2).sum()
    assert adjusted["std_error"] == pytest.approx(np.sqrt(2 * in_a), rel=1e-13)
    assert plain["std_error"] == pytest.approx(np.sqrt(in_a + ((4 - 2 * mean) / 7) ** 2), rel=1e-13)


# --- refusals ---


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"N2": -1}, r"fpc 'N2': 11 rows have no value, a negative one, or text"),
        ({"N2": "many"}, r"fpc 'N2': 11 rows have no value, a negative one, or text"),
        ({"N2": 1.0}, r"5 strata have more sampled units than the population \(1: 2 of 1, 2: 3 of 1"),
        ({"N2": range(20, 31)}, r"fpc 'N2': 5 strata have several values \(1, 2, 11, 12, 13\)"),
        ({"N2": 0.1}, r"mixed: 'N1' has 0 rows below 1 and 11 from 1, 'N2' has 11 rows below 1 and 0 from 1"),
        ({"N1": 2, "N2": 1.0}, r"2 faults(.|\n)*b: 3 of 2(.|\n)*1: 2 of 1"),
        ({"home": None}, r"psu 'home': 11 rows have no value"),
    ],
)
def test_impossible_stages(change: dict[str, object], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        variance(frame().assign(**change), **TWO, fpc=("N1", "N2"))


def test_ids_of_a_later_stage_that_recur_state_both_readings() -> None:
    data = frame().assign(side=list("lrlrrlrlrlr"), home=[1, 1, 1, 2, 3, 1, 1, 1, 2, 1, 2])
    design = {"strata": ("region", "side"), "psu": ("town", "home"), "lonely_psu": "remove"}
    message = (
        r"unit ids recur in several strata of 'side': read as nested there are 11 units, read as unique ids 9"
    )
    with pytest.raises(DesignError, match=message):
        variance(data, **design)
    assert variance(data, **design, nested=True) == pytest.approx(25 + 39, rel=1e-14)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"psu": ("p", "h"), "fpc": "N1"},
            r"fpc: it has 1 stages and psu 2\n.*a stage without correction is None",
        ),
        ({"psu": "p", "fpc": ("N1", "N2")}, r"fpc: it has 2 stages and psu 1"),
        ({"psu": ("p", "h"), "fpc": (None, "N2")}, r"fpc: a stage counts for nothing without a finite"),
        ({"psu": ("p", "h"), "fpc": (None, None)}, r"fpc: no stage names a column\n\s+Try: leave it out"),
        ({"psu": ("p", "h"), "strata": (None, None)}, r"strata: no stage names a column"),
        ({"psu": "p", "strata": ("s", "t")}, r"strata: it has 2 stages and psu 1"),
        ({"psu": (None, "h")}, r"psu: a stage before the last names no units"),
        ({"psu": ("p", "p")}, r"psu and psu name the same column 'p'"),
        ({"psu": ()}, r"psu: it is not a column, or a tuple of columns"),
        ({"psu": ("p", 3)}, r"psu: it is not a column, or a tuple of columns"),
        ({"adjust_domain_lonely": True}, r"lonely_psu='error' adjusts nothing\n\s+Try: lonely_psu='adjust'"),
        ({"adjust_domain_lonely": 1, "lonely_psu": "adjust"}, r"adjust_domain_lonely: 1 is not one"),
    ],
)
def test_declarations_that_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        SurveyDesign(**arguments)


def test_lists_are_stages_too() -> None:
    design = SurveyDesign(weights="w", psu=["p", "h"], strata=["s", None], fpc=["f", "f"])
    assert design == SurveyDesign(weights="w", psu=("p", "h"), strata=("s", None), fpc=("f", "f"))
    assert design.columns() == ("w", "s", "p", "h", "f")
    wanted = "weights: w, strata: s > none, PSUs: p > h, finite population: f > f"
    assert design.describe() == wanted
