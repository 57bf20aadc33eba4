"""Make the synthetic five-nation survey and all that stands beside it.

    python data/synthetic/make.py                    write the survey and the decoys
    python data/synthetic/make.py --check            compare what is committed with what would be written
    python data/synthetic/make.py --observed-truth   remake truth_observed.toml (some minutes, about 5 GB)
    python data/synthetic/make.py --calibrate        find the slope of the decoy with equal efficacy

The indices are computed here by plain pandas and the large model is fitted by statsmodels: nothing of
the package's own reading, cleaning or fitting is used, so that the truth can't repeat its mistakes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import statsmodels.api as sm

from coprodstats.survey.fieldwork import as_fieldwork_export
from coprodstats.survey.planted_truth import Effects, Truth, read_truth
from coprodstats.survey.simulate import simulate

HERE = Path(__file__).resolve().parent
CODEBOOK = HERE / "codebook.toml"
ANALYSIS = HERE.parent.parent / "analyses" / "five_nation_2008" / "codebook.toml"

SEED = 2008
FAULT_SEED = 2013
DECOY_SEEDS = {"null": 4, "reversed": 2, "equal_efficacy": 3}
LARGE_SEED = 20_080_000
BATCHES, PER_COUNTRY = 30, 20_000

# Slope of efficacy on the individual propensity at which its average margin on individual_high equals
# that on collective_any, given a slope of 0.30 on the collective one: found by --calibrate.
EQUAL_SLOPE = 0.2685

NUMERIC = ("age", "outcome", "performance", "information", "consultation", "efficacy")
FACTORS = ("gender", "education", "employment", "urban", "country")
OUTCOMES = ("individual_high", "collective_any")


# --- the survey and the decoys ---


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks; the exit status is 1 if --check finds a difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="compare with what is committed")
    choice.add_argument("--observed-truth", action="store_true", help="remake truth_observed.toml")
    choice.add_argument("--calibrate", action="store_true", help="find the slope of equal efficacy")
    options = parser.parse_args(arguments)
    if options.observed_truth:
        (HERE / "truth_observed.toml").write_text(observed_truth(), encoding="utf-8")
        return 0
    if options.calibrate:
        print(f"EQUAL_SLOPE = {calibrated_slope():.4f}")
        return 0
    if options.check:
        return _check()
    for name in write_all(HERE):
        print(name)
    return 0


def _check() -> int:
    with tempfile.TemporaryDirectory() as folder:
        names = write_all(Path(folder))
        differ = [name for name in names if not _same(Path(folder) / name, HERE / name)]
    for name in differ:
        print(f"{name}: differs from what make.py writes")
    return 1 if differ else 0


def _same(made: Path, committed: Path) -> bool:
    return committed.exists() and made.read_bytes() == committed.read_bytes()


def write_all(folder: Path) -> list[str]:
    """Write the survey and the decoys to a folder; return their names relative to it."""
    (folder / "decoys").mkdir(exist_ok=True)
    planted = read_truth(HERE / "truth.toml")
    export = as_fieldwork_export(simulate(planted, seed=SEED), FAULT_SEED)
    write_csv(export, folder / "five_nation_2008.csv")
    write_sav(export, folder / "five_nation_2008.sav")
    names = ["five_nation_2008.csv", "five_nation_2008.sav"]
    for name, truth in decoys(planted).items():
        (folder / f"decoys/{name}.toml").write_text(truth.to_toml(), encoding="utf-8")
        drawn = as_fieldwork_export(simulate(truth, seed=DECOY_SEEDS[name]), FAULT_SEED)
        write_csv(drawn, folder / f"decoys/{name}.csv")
        names += [f"decoys/{name}.toml", f"decoys/{name}.csv"]
    return names


def decoys(planted: Truth) -> dict[str, Truth]:
    """Return the truths on which published claims must fail."""
    none = {"efficacy_by_country": (0.0,) * 5, "age_by_sector": (0.0,) * 3}
    false = "must not agree"
    return {
        "null": replace(
            planted, name="null", individual=Effects(), collective=Effects(),
            claims=_claims(("C1", "C2", "C3", "C5", "C6", "C7a", "C7b", "C9", "C10"), ("C4", "C8", "C11")),
            **none,
        ),
        "reversed": replace(
            planted, name="reversed",
            individual=_reversed(planted.individual), collective=_reversed(planted.collective),
            efficacy_by_country=tuple(-slope for slope in planted.efficacy_by_country),
            age_by_sector=tuple(-slope for slope in planted.age_by_sector),
            claims=_claims(("C1", "C2", "C3", "C5", "C6", "C7a", "C7b", "C9"), ("C4", "C8", "C11")),
        ),
        "equal_efficacy": replace(
            planted, name="equal_efficacy",
            individual=replace(planted.individual, efficacy=EQUAL_SLOPE),
            efficacy_by_country=none["efficacy_by_country"],
            claims={claim: false if claim == "C6" else verdict
                    for claim, verdict in planted.claims.items() if claim not in {"C10", "C12"}},
        ),
    }  # fmt: skip


def _claims(false: Sequence[str], true: Sequence[str]) -> dict[str, str]:
    return {**dict.fromkeys(false, "must not agree"), **dict.fromkeys(true, "agrees")}


def _reversed(effects: Effects) -> Effects:
    return Effects(**{name: -getattr(effects, name) or 0.0 for name in Effects.__dataclass_fields__})


# --- files ---


def write_csv(export: pd.DataFrame, path: Path) -> None:
    """Write codes as they stand; a blank cell is empty."""
    path.write_bytes(export.to_csv(index=False, lineterminator="\n").encode("utf-8"))


def write_sav(export: pd.DataFrame, path: Path) -> None:
    """Write an SPSS file with labels, user-missing ranges and no date."""
    variables = tomllib.loads(CODEBOOK.read_text(encoding="utf-8"))["variables"]
    # A column with words in it can only be text in this format: so it came from the fieldwork.
    text = {"resp_id", "age"}
    frame = pd.DataFrame({c: export[c] if c in text else pd.to_numeric(export[c]) for c in export.columns})
    pyreadstat.write_sav(
        frame,
        path,
        file_label="Synthetic five-nation survey on co-production",
        row_compress=True,
        column_labels={name: variables[name]["label"] for name in export.columns},
        variable_value_labels={
            n: _value_labels(variables[n]) for n in export.columns if _value_labels(variables[n])
        },
        missing_ranges={n: _user_missing(variables[n]) for n in export.columns if "missing" in variables[n]},
        variable_measure={name: _measure(variables[name]["kind"], name in text) for name in export.columns},
        variable_format={n: "F8.4" if n == "weight" else "F8.0" for n in export.columns if n not in text},
    )
    raw = bytearray(path.read_bytes())
    # SPSS keeps the date (9 bytes) and time (8 bytes) of creation at offset 92 of the header.
    raw[92:109] = b"01 Jan 0800:00:00"
    path.write_bytes(bytes(raw))


def _value_labels(variable: Mapping[str, Any]) -> dict[float, str]:
    labels = {**variable.get("values", {}), **variable.get("missing", {})}
    return {float(code): labels[code] for code in sorted(labels, key=float)}


def _user_missing(variable: Mapping[str, Any]) -> list[dict[str, float] | float]:
    codes = sorted(float(code) for code in variable["missing"])
    if len(codes) > 1 and codes[-1] - codes[0] == len(codes) - 1:  # 8 and 9, not 88 and 99
        return [{"lo": codes[0], "hi": codes[-1]}]
    return list(codes)


def _measure(kind: str, is_text: bool) -> str:  # noqa: FBT001
    if is_text:
        return "nominal"
    return {"ordinal": "ordinal", "numeric": "scale", "weight": "scale"}.get(kind, "nominal")


# --- the truth on the observed scale ---


def observed_truth() -> str:
    """Fit the analysis' model to one very large draw and return truth_observed.toml as text."""
    planted = read_truth(HERE / "truth.toml")
    batches = []
    for batch in range(BATCHES):
        batches.append(
            analysis_columns(simulate(planted, n_per_country=PER_COUNTRY, seed=LARGE_SEED + batch))
        )
        print(f"drew batch {batch + 1} of {BATCHES}", file=sys.stderr)
    whole = fit_both(pd.concat(batches, ignore_index=True))
    parts = [fit_both(batch) for batch in batches]
    lines = [
        "# The truth on the observed scale: the analysis' model fitted to one very large draw of the planted",
        "# truth (made by make.py --observed-truth). A survey of 5,000 is compared with these numbers, not",
        "# with the latent effects, which rounding, floors and item error shrink.",
        "#",
        f"# model   {' and '.join(OUTCOMES)} ~ {' + '.join(model_terms())}",
        "# margins: average derivative per unit (numeric), average difference from the first level (factors)",
        "# error: Monte Carlo standard error, from the spread of the batches",
        "",
        f"n = {sum(len(b) for b in batches)}",
        f"seeds = [{LARGE_SEED}, {LARGE_SEED + BATCHES - 1}]",
        f"batches = {BATCHES}",
    ]
    lines += [f"n_complete_{outcome} = {whole[outcome]['n']}" for outcome in OUTCOMES]
    for kind in ("coefficients", "margins"):
        for outcome in OUTCOMES:
            lines += _toml_table(kind, outcome, whole[outcome][kind], [part[outcome][kind] for part in parts])
    lines += _toml_table("margins", "difference", _difference(whole), [_difference(part) for part in parts])
    return "\n".join(lines) + "\n"


def model_terms() -> list[str]:
    """Return the right-hand side of the analysis' model, in the order of its formula."""
    first = ["age", "gender", "education", "employment", "urban"]
    return [*first, "outcome", "performance", "information", "consultation", "efficacy", "country"]


def _toml_table(kind: str, name: str, values: pd.Series, parts: list[pd.Series]) -> list[str]:
    error = pd.concat(parts, axis=1).std(axis=1, ddof=1) / np.sqrt(len(parts))
    lines = ["", f"[{kind}.{name}]"]
    return lines + [
        f'"{term}" = {{ value = {value:.8f}, error = {error[term]:.8f} }}' for term, value in values.items()
    ]


def _difference(fits: Mapping[str, Any]) -> pd.Series:
    first, last = (fits[outcome]["margins"] for outcome in OUTCOMES)
    return last - first


def analysis_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the model's columns from codes, by the rules of the two codebooks, missing as NaN."""
    variables = tomllib.loads(CODEBOOK.read_text(encoding="utf-8"))["variables"]
    declared = tomllib.loads(ANALYSIS.read_text(encoding="utf-8"))
    roles = next(iter(declared["mappings"].values()))
    columns: dict[str, Any] = {"weight": frame["weight"], "age": frame["age"].astype(float)}
    for name in FACTORS:
        codes = variables[name]["values"]
        labels = frame[name].astype("str").map(codes)
        columns[name] = pd.Categorical(labels, categories=list(codes.values()))
    for name in (*NUMERIC[1:], "individual_index"):
        rule = declared["indices"][name]
        items = roles[rule["items"]] if isinstance(rule["items"], str) else rule["items"]
        columns[name] = _index(frame, variables, items, rule)
    cut = declared["outcomes"]["individual_high"]["cuts"][0]
    index = columns.pop("individual_index")
    columns["individual_high"] = (index >= cut).astype(float).where(index.notna())
    columns["collective_any"] = _any_group(frame, variables, roles, declared["outcomes"]["collective_any"])
    return pd.DataFrame(columns)


def _index(
    frame: pd.DataFrame, variables: Mapping[str, Any], items: Sequence[str], rule: Mapping[str, Any]
) -> pd.Series:
    total, answered = np.zeros(len(frame)), np.zeros(len(frame))
    for item in items:
        score = _score(frame[item], variables[item])
        total += np.nan_to_num(score)
        answered += ~np.isnan(score)
    needed = rule.get("min_answered", rule.get("min_share", 0) * len(items) - 1e-9)
    enough = answered >= max(needed, 1)
    return pd.Series(np.where(enough, total / np.maximum(answered, 1), np.nan), index=frame.index)


def _score(codes: pd.Series, variable: Mapping[str, Any]) -> np.ndarray:
    """Return 0–100, or NaN where no answer was given."""
    if variable["kind"] == "numeric":
        low, high = variable["range"]
        score = (codes.to_numpy(float) - low) / (high - low) * 100
        score[codes.isin([int(code) for code in variable["missing"]])] = np.nan
        return 100 - score if variable.get("reverse") else score
    order = [int(code) for code in variable["values"]]
    if variable.get("reverse"):
        order.reverse()
    table = np.full(100, np.nan)
    table[order] = np.linspace(0, 100, len(order))
    return table[codes.to_numpy()]


def _any_group(
    frame: pd.DataFrame, variables: Mapping[str, Any], roles: Mapping[str, Any], rule: Mapping[str, Any]
) -> pd.Series:
    items = roles[rule["items"]]
    order = list(variables[items[0]]["values"].values())
    least = order.index(rule["at_least"]) / (len(order) - 1) * 100
    scores = np.column_stack([_score(frame[item], variables[item]) for item in items])
    enough = (~np.isnan(scores)).sum(axis=1) >= rule["min_answered"]
    return pd.Series(
        np.where(enough, (np.nan_to_num(scores) >= least).any(axis=1), np.nan), index=frame.index
    )


def fit_both(columns: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return n, coefficients and average margins of both models, by weighted logistic regression."""
    return {outcome: _fit(columns, outcome) for outcome in OUTCOMES}


def _fit(columns: pd.DataFrame, outcome: str) -> dict[str, Any]:
    used = columns[[outcome, "weight", *NUMERIC, *FACTORS]].dropna()
    X = design_matrix(used)
    model = sm.GLM(used[outcome], X, family=sm.families.Binomial(), var_weights=used["weight"])
    params = model.fit(tol=1e-12).params
    return {"n": len(used), "coefficients": params, "margins": _margins(X, params, used["weight"])}


def design_matrix(used: pd.DataFrame) -> pd.DataFrame:
    """Return intercept, numeric columns and treatment-coded factors, named as formulas name them."""
    parts: dict[str, Any] = {"Intercept": np.ones(len(used))}
    for name in model_terms():
        if name in NUMERIC:
            parts[name] = used[name].to_numpy(float)
            continue
        for level in used[name].cat.categories[1:]:
            parts[f"{name}[T.{level}]"] = (used[name] == level).to_numpy(float)
    return pd.DataFrame(parts, index=used.index)


def _margins(X: pd.DataFrame, params: pd.Series, weight: pd.Series) -> pd.Series:
    eta = X.to_numpy() @ params.to_numpy()
    w = weight.to_numpy() / weight.sum()
    p = 1 / (1 + np.exp(-eta))
    margins = {name: float(w @ (p * (1 - p))) * params[name] for name in NUMERIC}
    for factor in FACTORS:
        levels = [name for name in X.columns if name.startswith(f"{factor}[T.")]
        base = eta - X[levels].to_numpy() @ params[levels].to_numpy()
        at_base = w @ (1 / (1 + np.exp(-base)))
        for level in levels:
            margins[level] = float(w @ (1 / (1 + np.exp(-base - params[level]))) - at_base)
    return pd.Series({name: margins[name] for name in X.columns if name in margins})


def calibrated_slope() -> float:
    """Return the slope at which efficacy's two margins are equal, by the secant method on one draw."""

    def gap(slope: float) -> float:
        truth = decoys(read_truth(HERE / "truth.toml"))["equal_efficacy"]
        truth = replace(truth, individual=replace(truth.individual, efficacy=slope))
        gaps = []
        for batch in range(BATCHES):
            draw = simulate(truth, n_per_country=PER_COUNTRY, seed=LARGE_SEED + batch)
            gaps.append(_difference(fit_both(analysis_columns(draw)))["efficacy"])
        return float(np.mean(gaps))

    low, high = 0.20, 0.35
    at_low, at_high = gap(low), gap(high)
    for _ in range(3):
        middle = low - at_low * (high - low) / (at_high - at_low)
        low, at_low = high, at_high
        high, at_high = middle, gap(middle)
        print(f"slope {high:.5f}: gap {at_high:.2e} per point", file=sys.stderr)
    return high


if __name__ == "__main__":
    sys.exit(main())
