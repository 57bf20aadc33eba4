from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from coprodstats import compare, logit, margins, ologit
from coprodstats.errors import ArgumentError, ConfigError
from coprodstats.models.importance import block_share
from coprodstats.models.results import FittedModel
from coprodstats.reporting.claim_checks import Check, Finding, Verdict, by_interval
from coprodstats.reporting.claims import TESTS, Claim, check_claims, overall, read_claims

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
ROOT = Path(__file__).resolve().parents[3]
N = 4000


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """x goes with joining strongly, with helping weakly; z with both, in opposite directions; u with none."""
    rng = np.random.default_rng(20)
    made = pd.DataFrame({name: rng.normal(size=N) for name in ("x", "z", "u")})
    made["side"] = pd.Categorical(rng.choice(["left", "right"], N))
    made["place"] = pd.Categorical(rng.choice(["east", "north", "south"], N))
    right = (made["side"] == "right").to_numpy(dtype=float)
    south = (made["place"] == "south").to_numpy(dtype=float)

    def draw(eta: pd.Series) -> pd.Categorical:
        yes = rng.random(N) < 1 / (1 + np.exp(-eta))
        return pd.Categorical(np.where(yes, "yes", "no"), categories=["no", "yes"], ordered=True)

    made["joins"] = draw(1.2 * made["x"] - 0.4 * made["z"] + 0.9 * right * made["x"] + 0.8 * south)
    made["helps"] = draw(0.3 * made["x"] + 0.7 * made["z"])
    made["idle"] = made["helps"].cat.rename_categories({"no": "yes", "yes": "no"}).cat.reorder_categories(
        ["no", "yes"]
    )  # fmt: skip
    made["much"] = 60 + rng.normal(scale=20, size=N)
    made["little"] = made["much"] - 2 + rng.normal(scale=5, size=N)
    return made


@pytest.fixture(scope="module")
def models(frame: pd.DataFrame) -> dict[str, FittedModel]:
    found = {n: logit(f"{n} ~ x + z + u + side + place", frame) for n in ("joins", "helps", "idle")}
    return found | {"small": logit("joins ~ x", frame)}


@pytest.fixture(scope="module")
def put(frame: pd.DataFrame, models: dict[str, FittedModel]) -> Any:
    def run(test: str, **about: Any) -> Finding:
        claim = Claim(id="C", statement="s", source="t", checks=(Check(test=test, about=about),))
        result = check_claims([claim], models, frame, seed=3, n_replicates=40).results[0]
        assert result.verdict == result.findings[0].verdict
        return result.findings[0]

    return run


@pytest.mark.parametrize(
    ("test", "about", "verdict"),
    [
        ("sign", {"model": "joins", "term": "x", "expect": "positive"}, "agrees"),
        ("sign", {"model": "joins", "term": "x", "expect": "negative"}, "disagrees"),
        ("sign", {"model": "joins", "term": "z", "expect": "negative"}, "agrees"),
        ("sign", {"model": "joins", "term": "place[T.south]", "expect": "positive"}, "agrees"),
        ("weaker", {"model": "helps", "than": "joins", "term": "x"}, "agrees"),
        ("weaker", {"model": "joins", "than": "helps", "term": "x"}, "disagrees"),
        ("weaker", {"model": "joins", "than": "helps", "term": "z"}, "agrees"),
        ("difference", {"model": "joins", "than": "helps", "term": "x", "expect": "positive"}, "agrees"),
        ("difference", {"model": "joins", "than": "helps", "term": "x", "expect": "negative"}, "disagrees"),
        ("difference", {"model": "joins", "than": "helps", "term": "z", "expect": "negative"}, "agrees"),
        ("contrast", {"model": "joins", "than": "helps", "term": "z"}, "agrees"),
        ("contrast", {"model": "helps", "than": "joins", "term": "z"}, "agrees"),
        ("contrast", {"model": "helps", "than": "joins", "term": "u"}, "inconclusive"),
        ("equivalence", {"model": "joins", "term": "u", "bound": 0.05}, "agrees"),
        ("equivalence", {"model": "joins", "term": "u", "bound": 0.001}, "inconclusive"),
        ("equivalence", {"model": "joins", "term": "x", "bound": 0.05}, "disagrees"),
        ("rank", {"model": "joins", "variable": "x", "among": ["x", "z", "u"], "share": 0.9}, "agrees"),
        ("rank", {"model": "joins", "variable": "u", "among": ["x", "z", "u"], "share": 0.9}, "disagrees"),
        ("rank", {"model": "helps", "variable": "z", "among": ["z", "u"], "share": 0.9}, "agrees"),
        ("gap", {"higher": "much", "lower": "little"}, "agrees"),
        ("gap", {"higher": "little", "lower": "much"}, "disagrees"),
        ("moderation", {"model": "joins", "term": "x", "by": "side"}, "agrees"),
        ("moderation", {"model": "helps", "term": "x", "by": "side"}, "inconclusive"),
        ("block", {"model": "joins", "variables": ["u"], "below": 0.05}, "agrees"),
        ("block", {"model": "joins", "variables": ["x", "z"], "below": 0.05}, "disagrees"),
        ("band", {"model": "joins", "term": "x", "low": 0.1, "high": 0.4}, "agrees"),
        ("band", {"model": "joins", "term": "x", "low": 0.5, "high": 0.9}, "disagrees"),
        ("band", {"model": "joins", "term": "x", "low": -0.4, "high": -0.1}, "disagrees"),
    ],
)
def test_verdicts_where_the_truth_is_known(put: Any, test: str, about: dict[str, Any], verdict: str) -> None:
    assert put(test, **about).verdict == verdict


def test_a_sign_that_the_interval_does_not_settle(put: Any, models: dict[str, FittedModel]) -> None:
    row = margins(models["joins"], "u").iloc[0]
    assert row["conf_low"] < 0 < row["conf_high"]  # or the seed draws the one survey in twenty
    with_it, against = ("positive", "negative") if row["estimate"] > 0 else ("negative", "positive")
    assert put("sign", model="joins", term="u", expect=with_it).verdict == "agrees in direction only"
    assert put("sign", model="joins", term="u", expect=against).verdict == "inconclusive"


def test_limits_inside_the_interval_agree_in_direction_only(put: Any, models: dict[str, FittedModel]) -> None:
    share = block_share(models["joins"], ["z"], n_replicates=40, seed=3)
    below = (share.estimate + share.conf_high) / 2
    found = put("block", model="joins", variables=["z"], below=below)
    assert found.verdict == "agrees in direction only"
    middle = put("band", model="joins", term="x", low=0.0, high=1.0).estimate
    found = put("band", model="joins", term="x", low=middle - 1e-4, high=middle + 1e-4)
    assert found.verdict == "agrees in direction only"


def test_numbers_are_those_of_other_software(put: Any, frame: pd.DataFrame) -> None:
    exog = sm.add_constant(
        pd.get_dummies(frame[["x", "z", "u", "side", "place"]], drop_first=True, dtype=float)
    )
    other = sm.Logit((frame["joins"] == "yes").to_numpy(dtype=float), exog).fit(disp=0, tol=1e-12)
    slope = dict(zip(exog.columns[1:], other.get_margeff().margeff, strict=True))
    found = put("sign", model="joins", term="x", expect="positive")
    assert found.estimate == pytest.approx(slope["x"], rel=1e-8)
    wide = put("sign", model="joins", term="u", expect="positive")
    narrow = put("equivalence", model="joins", term="u", bound=0.05)
    # 90 % and 95 % intervals of one number, from the t distribution with many degrees of freedom.
    ratio = (wide.conf_high - wide.conf_low) / (narrow.conf_high - narrow.conf_low)
    assert ratio == pytest.approx(1.960 / 1.645, rel=1e-3)
    sd = frame["x"].std(ddof=0)
    band = put("band", model="joins", term="x", low=0.0, high=1.0)
    assert band.estimate == pytest.approx(slope["x"] * sd, rel=1e-8)


def test_gap_is_a_paired_difference(put: Any, frame: pd.DataFrame) -> None:
    each = frame["much"] - frame["little"]
    found = put("gap", higher="much", lower="little")
    assert found.estimate == pytest.approx(each.mean())
    assert (found.conf_high - found.conf_low) / 2 == pytest.approx(1.9606 * each.std() / N**0.5, rel=1e-3)
    assert "gap" not in frame.columns


def test_weaker_compares_sizes_whatever_the_signs(put: Any) -> None:
    same, flipped = (put("weaker", model="joins", than=than, term="z") for than in ("helps", "idle"))
    for name in ("estimate", "conf_low", "conf_high"):
        assert getattr(same, name) == pytest.approx(getattr(flipped, name), rel=1e-6)
    assert same.estimate > 0


def test_a_level_of_a_factor_is_compared_and_the_factor_itself_is_not(
    put: Any, models: dict[str, FittedModel]
) -> None:
    found = put("difference", model="joins", than="helps", term="place[T.south]", expect="positive")
    both = compare({"helps": models["helps"], "joins": models["joins"]}).to_frame().set_index("term")
    row = both.loc["place[T.south]"]
    assert found.estimate == pytest.approx(row["difference"], rel=1e-12)
    assert found.conf_low == pytest.approx(row["conf_low"], rel=1e-9)
    assert found.conf_high == pytest.approx(row["conf_high"], rel=1e-9)
    for test, more in (("difference", {"expect": "positive"}), ("contrast", {}), ("weaker", {})):
        assert put(test, model="joins", than="helps", term="place", **more).verdict == "not testable"


@pytest.mark.parametrize(
    ("test", "about", "reason"),
    [
        ("sign", {"model": "absent", "term": "x", "expect": "positive"}, "no model 'absent'"),
        ("sign", {"model": "joins", "term": "place", "expect": "positive"}, "no term 'place'"),
        ("sign", {"model": "joins", "term": "place[T.west]", "expect": "positive"}, "no term"),
        ("sign", {"model": "joins", "term": "much", "expect": "positive"}, "no term 'much'"),
        ("weaker", {"model": "joins", "than": "small", "term": "z"}, "not in both"),
        ("difference", {"model": "joins", "than": "absent", "term": "x", "expect": "positive"}, "no model"),
        ("rank", {"model": "small", "variable": "x", "among": ["x", "z"], "share": 0.9}, "no term 'z'"),
        ("rank", {"model": "joins", "variable": "u", "among": ["x", "z"], "share": 0.9}, "not among"),
        ("gap", {"higher": "much", "lower": "absent"}, "no variable 'absent'"),
        ("gap", {"higher": "joins", "lower": "much"}, "'joins' is not numeric"),
        ("moderation", {"model": "small", "term": "x", "by": "side"}, "no term 'side'"),
        ("block", {"model": "small", "variables": ["x", "u"], "below": 0.1}, "no term 'u'"),
        ("band", {"model": "joins", "term": "place[T.south]", "low": 0.0, "high": 1.0}, "not numeric"),
    ],
)
def test_what_the_data_do_not_hold_is_not_testable(
    put: Any, test: str, about: dict[str, Any], reason: str
) -> None:
    found = put(test, **about)
    assert found.verdict == "not testable"
    assert reason in found.found
    assert np.isnan([found.estimate, found.conf_low, found.conf_high]).all()


def test_a_model_of_other_answers_is_not_refitted_silently(
    frame: pd.DataFrame, models: dict[str, FittedModel]
) -> None:
    check = Check(test="moderation", about={"model": "joins", "term": "x", "by": "side"})
    claim = Claim(id="C", statement="s", source="t", checks=(check,))
    other = frame.assign(joins=frame["helps"])
    result = check_claims([claim], models, other, seed=1, n_replicates=20).results[0]
    assert result.verdict == "not testable"
    assert "another item mapping" in result.findings[0].found


def test_separated_interactions_are_not_testable(frame: pd.DataFrame) -> None:
    small = frame.head(300).copy()
    small["joins"] = small["joins"].mask((small["side"] == "right") & (small["place"] == "south"), "yes")
    fitted = {"joins": logit("joins ~ side + place", small)}
    check = Check(test="moderation", about={"model": "joins", "term": "side", "by": "place"})
    claim = Claim(id="C", statement="s", source="t", checks=(check,))
    result = check_claims([claim], fitted, small, seed=1, n_replicates=20).results[0]
    assert result.verdict == "not testable"


def test_ordinal_models_carry_claims_about_their_highest_category(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(4)
    level = pd.cut(frame["x"] + rng.logistic(size=N), [-np.inf, -1, 1, np.inf], labels=["0", "1", "2"])
    data = frame.assign(level=level)
    model = ologit("level ~ x + side", data)
    check = Check(test="sign", about={"model": "m", "term": "x", "expect": "positive"})
    claim = Claim(id="C", statement="s", source="t", checks=(check,))
    found = check_claims([claim], {"m": model}, data, seed=1).results[0]
    row = margins(model, "x").set_index("category").loc["2"]
    assert found.verdict == "agrees"
    assert found.findings[0].estimate == pytest.approx(row["estimate"])


def test_results_are_the_same_with_the_same_seed_and_say_what_they_check(
    frame: pd.DataFrame, models: dict[str, FittedModel]
) -> None:
    about = {"model": "joins", "variable": "x", "among": ["x", "z"], "share": 0.9}
    claim = Claim(id="C", statement="s", source="t", checks=(Check(test="rank", about=about),))
    runs = [check_claims([claim], models, frame, seed=s, n_replicates=20) for s in (1, 1)]
    assert runs[0].to_frame().equals(runs[1].to_frame())
    assert runs[0].to_frame()["checks"].tolist() == ["the finding"]
    made = check_claims([claim], models, frame, seed=1, n_replicates=20, synthetic=True)
    assert made.to_frame()["checks"].tolist() == ["the software, on synthetic data"]


def test_too_few_replicates_are_refused(models: dict[str, FittedModel], frame: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match="n_replicates: 19"):
        check_claims([], models, frame, seed=1, n_replicates=19)


@given(st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=5))
def test_a_claim_agrees_only_if_all_of_its_checks_do(verdicts: Sequence[Verdict]) -> None:
    found = overall(verdicts)
    assert (found == "agrees") == all(v == "agrees" for v in verdicts)
    assert (found == "disagrees") == ("disagrees" in verdicts)
    assert found in verdicts
    assert overall(list(reversed(verdicts))) == found
    assert overall([*verdicts, *verdicts]) == found
    assert overall([*verdicts, "inconclusive"]) != "agrees"


BOUNDED = st.floats(-10, 10, allow_nan=False)


@given(BOUNDED, st.floats(0, 5), st.floats(0, 5))
def test_signs_are_read_off_the_interval(value: float, below: float, above: float) -> None:
    low, high = value - below, value + above
    found = by_interval(value, low, high, "positive")
    assert (found == "agrees") == (low > 0)
    assert (found == "disagrees") == (high < 0)
    opposite = by_interval(-value, -high, -low, "negative")
    assert opposite == found
    against = by_interval(value, low, high, "negative")
    assert not (found == "agrees" and against == "agrees")


@pytest.mark.parametrize("numbers", [(np.nan, 0, 1), (1, np.nan, 2), (1, 0, np.inf)])
def test_numbers_that_are_none_give_no_verdict(numbers: tuple[float, float, float]) -> None:
    assert by_interval(*numbers, "positive") == "not testable"


# ------------------------------------------------------------------------------------------- the file

GOOD = """statement = "s"
source = "t"
checks = [{ test = "sign", model = "m", term = "x", expect = "positive" }]
"""


def read(tmp_path: Path, text: str) -> tuple[Claim, ...]:
    path = tmp_path / "claims.toml"
    path.write_text(text, encoding="utf-8")
    return read_claims(path)


def check_line(**about: Any) -> str:
    def toml(value: Any) -> str:
        if isinstance(value, Mapping | list):
            return "[" + ", ".join(toml(v) for v in value) + "]"
        return str(value).lower() if isinstance(value, bool) else repr(value)

    inside = ", ".join(f"{k} = {toml(v)}" for k, v in about.items())
    return f'[C1]\nstatement = "s"\nsource = "t"\nchecks = [{{ {inside} }}]\n'


def test_the_published_claims_are_read() -> None:
    claims = read_claims(ROOT / "analyses" / "five_nation_2008" / "claims.toml")
    assert [c.id for c in claims][:3] == ["C1", "C2", "C3"]
    assert {check.test for claim in claims for check in claim.checks} == set(TESTS)


def test_all_faults_of_a_file_come_at_once(tmp_path: Path) -> None:
    text = "\n".join(
        [
            "title = 'stray'",
            "[C1]\nstatment = 's'\nsource = 't'\nchecks = []",
            "[C2]\nstatement = 's'\nsource = 3\nchecks = [{ test = 'sing', model = 'm' }]",
            "[C3]\nstatement = 's'\nsource = 't'",
            "checks = [{ test = 'sign', model = 'm', term = 'x', expect = 'up', bound = 1 }]",
            "[C4]\nstatement = 's'\nsource = 't'\nchecks = ['sign']",
        ]
    )
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    said = str(caught.value)
    for part in (
        "title: it is not a table",
        "did you mean 'statement'?",
        "C1: statement is missing",
        "C1: checks is missing or empty",
        "C2: source is missing or not text",
        "'sing' is no test",
        "did you mean 'sign'?",
        "C3: check 1: unknown 'bound'",
        "C3: check 1: expect is neither",
        "C4: check 1: '' is no test",
    ):
        assert part in said, part
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"test": "equivalence", "model": "m", "term": "x", "bound": 0}, "bound is 0"),
        ({"test": "equivalence", "model": "m", "term": "x", "bound": -0.1}, "bound is -0.1"),
        ({"test": "equivalence", "model": "m", "term": "x", "bound": True}, "bound is not a number"),
        ({"test": "equivalence", "model": "m", "term": 3, "bound": 0.1}, "term is not a text"),
        ({"test": "block", "model": "m", "variables": "age", "below": 0.1}, "variables is no list"),
        ({"test": "block", "model": "m", "variables": [], "below": 0.1}, "variables is no list"),
        ({"test": "block", "model": "m", "variables": ["a"], "below": -1}, "below is -1"),
        ({"test": "rank", "model": "m", "variable": "a", "among": ["a", "b"], "share": 0.2}, "share is 0.2"),
        ({"test": "rank", "model": "m", "variable": "a", "among": ["a", "b"], "share": 2}, "share is 2"),
        ({"test": "rank", "model": "m", "variable": "c", "among": ["a", "b"], "share": 1}, "not ranked"),
        ({"test": "rank", "model": "m", "variable": "a", "among": ["a"], "share": 1}, "not ranked"),
        ({"test": "rank", "model": "m", "variable": "a", "among": "ab", "share": 1}, "among is no list"),
        ({"test": "band", "model": "m", "term": "x", "low": 0.1, "high": 0.1}, "low is not below high"),
        ({"test": "sign", "model": "m", "expect": "positive"}, "no 'term'"),
        ({"test": "gap", "higher": "a", "lower": "b", "by": "c"}, "unknown 'by'"),
    ],
)
def test_checks_that_could_give_one_verdict_only_are_refused(
    tmp_path: Path, about: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match="check 1") as caught:
        read(tmp_path, check_line(**about))
    assert said in str(caught.value)


def test_files_that_are_none_are_told_without_a_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: no such file") as caught:
        read_claims(tmp_path / "absent.toml")
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(ConfigError, match="not valid TOML"):
        read(tmp_path, "C1 = [")
    with pytest.raises(ConfigError, match="holds no claim"):
        read(tmp_path, "# nothing yet\n")
    (tmp_path / "latin.toml").write_bytes("[C1]\nstatement = 'é'".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_claims(tmp_path / "latin.toml")
    assert read(tmp_path, f"[C1]\n{GOOD}")[0].checks[0].test == "sign"
