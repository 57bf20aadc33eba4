"""Digits of the certified problems: ours beside other programs', written into docs/parity.md.

    cd tests && python -m certified.parity              measure, and write the tables between their markers
    cd tests && python -m certified.parity --print      measure and print only
    … --svy-python PATH                                 the python of an environment that has svy

R (survey, ordinal, MASS) is used where it is installed; svy, which needs packages that this project does
not, where --svy-python or COPRODSTATS_SVY_PYTHON names a python that has it. What is not there is "not
measured". Every program has its default settings and gets the same columns ready-made, exact to the bit.
"""

# ruff: noqa: T201  (what a command prints)

from __future__ import annotations

import argparse
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .ours import MOST_DIGITS, Certified, certified, computed, is_binary, lowest_digits
from .problems import PROBLEMS, Model, Problem

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "parity.md"
BEGIN, END = "<!-- certified: begin -->", "<!-- certified: end -->"
R_PROGRAMS = {True: ("svyglm",), False: ("clm", "polr", "svyolr")}
HEADINGS = {
    "svyglm": "survey::svyglm", "svy": "svy", "clm": "ordinal::clm", "polr": "MASS::polr",
    "svyolr": "survey::svyolr", "statsmodels": "statsmodels",
}  # fmt: skip
PROGRAMS = {True: ("svyglm", "statsmodels", "svy"), False: ("clm", "polr", "svyolr", "statsmodels")}
# Of all that programs warn of, what says that the estimates are in doubt.
DOUBT = re.compile("converge|singular|identifiable|separat", re.IGNORECASE)
KINDS = {
    "coefficient": "coefficients", "threshold": "thresholds", "standard error": "standard errors",
    "margin": "margins", "margin standard error": "their standard errors",
    "unconditional standard error": "unconditional ones",
    "covariance across models": "covariance across models",
    "difference": "differences", "difference standard error": "standard errors of differences",
    "parallel lines": "parallel lines",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """One model of one problem as arrays, and its certified numbers: thresholds first, then slopes."""

    key: str
    p: Problem
    model: Model
    binary: bool
    y: list[int]
    x: np.ndarray
    inside: list[int]
    estimates: list[Certified]
    std_errors: list[Certified]

    @property
    def data(self) -> dict[str, list]:
        """The problem's data."""
        return self.p.data()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What a program said of one fit; what it has no such thing for is None."""

    estimates: list[float] | None = None
    std_errors: list[float] | None = None
    warning: str = ""
    failure: str = ""


Answers = dict[tuple[str, str], Answer]  # fit, program


# --- the fits ---


def fits() -> list[Fit]:
    """Return all models of all problems."""
    return [_fit(p, model) for p in PROBLEMS for model in p.models]


def _fit(p: Problem, model: Model) -> Fit:
    data, binary, truth = p.data(), is_binary(p, model), certified(p.name)
    levels = p.categories(model)
    columns = [
        np.prod([_part(data[name], what) for name, what in parts], axis=0) for parts in model.columns.values()
    ]
    names = [f"{a}|{b}" for a, b in pairwise(levels)]
    keys = [("coefficient", "Intercept")] if binary else [("threshold", name) for name in names]
    keys += [("coefficient", name) for name in model.columns]
    estimates = [truth[kind, model.outcome, name] for kind, name in keys]
    if binary:  # a threshold, as the other programs' orders are brought to
        estimates[0] = Certified(value=-estimates[0].value, against=estimates[0].against)
    inside = [1] * len(columns[0]) if model.domain is None else data[model.domain]
    return Fit(
        key=f"{p.name}.{model.outcome}",
        p=p,
        model=model,
        binary=binary,
        y=[levels.index(v) for v in data[model.outcome]],
        x=np.column_stack(columns),
        inside=inside,
        estimates=estimates,
        std_errors=[truth["standard error", model.outcome, name] for _, name in keys],
    )


def _part(values: list, what: int | str) -> np.ndarray:
    if isinstance(what, str):
        return np.array([float(v == what) for v in values])
    return np.array([float(v) for v in values]) ** what


# --- programs that read files ---


def write_tables(folder: Path, found: list[Fit]) -> None:
    """Write each fit's data with numbers that every reader takes exactly (hexadecimal), and their list."""
    rows = []
    for fit in found:
        p, data = fit.p, fit.data
        table = {
            "y": fit.y,
            "inside": fit.inside,
            **{f"c{j + 1}": [float(v).hex() for v in column] for j, column in enumerate(fit.x.T)},
            "w": [float(v).hex() for v in data[p.weights]] if p.weights else [(1.0).hex()] * len(fit.y),
            "population": [float(v).hex() for v in data["population"]],
            "stratum": data["stratum"],
            "psu": data["psu"],
        }
        pd.DataFrame(table).to_csv(folder / f"{fit.key}.tsv", sep="\t", index=False)
        rows.append(
            {
                "id": fit.key, "file": f"{fit.key}.tsv", "binary": int(fit.binary), "slopes": fit.x.shape[1],
                "link": fit.model.link, "covariance": p.covariance, "strata": int(p.strata is not None),
                "psu": int(p.psu is not None), "fpc": int(p.fpc is not None), "lonely": p.lonely_psu,
                "domain": int(fit.model.domain is not None),
            }
        )  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "fits.tsv", sep="\t", index=False)


def read_answers(path: Path) -> tuple[Answers, dict[str, str]]:
    """Return the answers in a file that peers.R or peer_svy.py wrote, and the programs' versions."""
    parts: dict[tuple[str, str], dict[str, list[str]]] = {}
    versions = {}
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if line[0] == "versions":
                versions[line[1]] = line[2]
                continue
            key, program, quantity, _, value = line
            parts.setdefault((key, program), {}).setdefault(quantity, []).append(value)
    answers = {}
    for key, said in parts.items():
        answers[key] = Answer(
            estimates=[float(v) for v in said["estimate"]] if "estimate" in said else None,
            std_errors=[float(v) for v in said["std_error"]] if "std_error" in said else None,
            warning=_doubts(said.get("warning", [])),
            failure="; ".join(said.get("error", [])),
        )
    return answers, versions


def _doubts(said: list[str]) -> str:
    return "; ".join(text for text in dict.fromkeys(said) if DOUBT.search(text))


def run(command: list[str], folder: Path, output: str) -> tuple[Answers, dict[str, str]]:
    """Run another program on the folder and read what it wrote."""
    environment = dict(os.environ) | {"LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [*command, str(folder)], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(done.stderr[-2000:], file=sys.stderr)
        raise SystemExit(f"{command[0]} failed")
    return read_answers(folder / output)


# --- statsmodels ---


def statsmodels_answers(found: list[Fit]) -> Answers:
    """Return statsmodels' answers: Logit or GLM for binary outcomes, OrderedModel (bfgs) for ordered ones."""
    answers: Answers = {}
    for fit in found:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                answer = _statsmodels_binary(fit) if fit.binary else _statsmodels_ordinal(fit)
            except Exception as error:
                answer = Answer(failure=str(error))
        said = _doubts([str(w.message) for w in warned])
        answers[fit.key, "statsmodels"] = replace(answer, warning=said)
    return answers


def _statsmodels_binary(fit: Fit) -> Answer:
    import statsmodels.api as sm  # noqa: PLC0415  (slow to load)

    p, inside = fit.p, np.array(fit.inside) == 1
    y, x = np.array(fit.y)[inside], sm.add_constant(fit.x[inside], has_constant="add")
    weights = None if p.weights is None else np.array(fit.data[p.weights], dtype=float)[inside]
    if weights is None:
        robust = {"cov_type": "HC0"} if p.covariance == "robust" else {}
        found = sm.Logit(y, x).fit(disp=False, **robust)
    elif p.covariance == "model":
        found = sm.GLM(y, x, family=sm.families.Binomial(), freq_weights=weights).fit()
    else:
        found = sm.GLM(y, x, family=sm.families.Binomial(), var_weights=weights).fit(cov_type="HC0")
    estimates = found.params * np.array([-1.0] + [1.0] * fit.x.shape[1])
    # HC0 lacks the n / (n - 1) of a variance between respondents; under strata and PSUs it is another thing.
    factor = {"robust": np.sqrt(len(y) / (len(y) - 1)), "model": 1.0}.get(p.covariance)
    return Answer(estimates=list(estimates), std_errors=None if factor is None else list(found.bse * factor))


def _statsmodels_ordinal(fit: Fit) -> Answer:
    from statsmodels.miscmodels.ordinal_model import OrderedModel  # noqa: PLC0415

    if fit.p.weights is not None:
        return Answer(failure="no weights")
    if fit.model.link not in ("logit", "probit"):
        return Answer(failure="no such link")
    found = OrderedModel(np.array(fit.y), fit.x, distr=fit.model.link).fit(method="bfgs", disp=False)
    n_slopes = fit.x.shape[1]
    cuts = found.model.transform_threshold_params(found.params)[1:-1]
    # Its parameters are increments of thresholds: only the slopes' standard errors are comparable.
    errors = [np.nan] * len(cuts) + list(found.bse[:n_slopes]) if fit.p.covariance == "model" else None
    return Answer(estimates=[*cuts, *found.params[:n_slopes]], std_errors=errors)


# --- tables ---


def digits_of(found: list[float], truth: list[Certified]) -> float:
    """Return the right digits of the least exact of some numbers; those that are NaN are not asked for."""
    pairs = [(t, v) for t, v in zip(truth, found, strict=True) if not np.isnan(v)]
    return min((min(max(t.digits(v), 0.0), MOST_DIGITS) for t, v in pairs), default=np.nan)


def cell(fit: Fit, answer: Answer | None, *, measured: bool) -> str:
    """Return "digits of estimates / digits of standard errors", or why there are none."""
    if not measured:
        return "not measured"
    if answer is None:
        return "—"
    if answer.estimates is None:
        return f"“{_short(answer.failure)}”" if " " in answer.failure[15:] else answer.failure
    estimates = digits_of(answer.estimates, fit.estimates)
    errors = "—"
    if answer.std_errors is not None:
        errors = f"{digits_of(answer.std_errors, fit.std_errors):.1f}"
    return f"{estimates:.1f} / {errors}{' †' if answer.warning else ''}"


def _short(message: str) -> str:
    first = message.replace("|", "/")
    return first if len(first) <= 60 else first[:57] + "…"


def ours_cell(fit: Fit) -> str:
    """Return our digits of one fit in the same form."""
    found, outcome = computed(fit.p), fit.model.outcome
    truth = certified(fit.p.name)
    kinds = (("coefficient", "threshold"), ("standard error",))
    parts = [
        min(
            min(t.digits(found[key]), MOST_DIGITS)
            for key, t in truth.items()
            if key[0] in kind and key[1] == outcome
        )
        for kind in kinds
    ]
    return f"{parts[0]:.1f} / {parts[1]:.1f}"


def peer_table(found: list[Fit], answers: Answers, measured: set[str], *, binary: bool) -> Iterator[str]:
    """Yield the table of our digits beside other programs'."""
    programs = PROGRAMS[binary]
    yield f"| problem | coprodstats | {' | '.join(HEADINGS[name] for name in programs)} |"
    yield f"|---|---|{'---|' * len(programs)}"
    for fit in found:
        if fit.binary != binary:
            continue
        cells = [cell(fit, answers.get((fit.key, name)), measured=name in measured) for name in programs]
        name = fit.p.name if len(fit.p.models) == 1 else f"{fit.p.name}, {fit.model.outcome}"
        yield f"| `{name}`: {fit.p.about} | {ours_cell(fit)} | {' | '.join(cells)} |"


def own_table() -> Iterator[str]:
    """Yield the table of our digits by kind of quantity."""
    yield "| problem | " + " | ".join(KINDS.values()) + " |"
    yield "|---|" + "---:|" * len(KINDS)
    for p in PROBLEMS:
        lowest = lowest_digits(p)
        cells = [f"{lowest[kind]:.1f}" if kind in lowest else "" for kind in KINDS]
        yield f"| `{p.name}` | {' | '.join(cells)} |"


def summary() -> str:
    """Return the number of certified values with their median and least digits."""
    digits = [
        min(t.digits(found[key]), MOST_DIGITS)
        for p in PROBLEMS
        for found in [computed(p)]
        for key, t in certified(p.name).items()
    ]
    return (
        f"{len(digits):,} certified numbers of {len(PROBLEMS)} problems: "
        f"median {np.median(digits):.1f} digits, least {min(digits):.1f}."
    )


def section(found: list[Fit], answers: Answers, measured: set[str], versions: dict[str, str]) -> str:
    """Return the section of docs/parity.md."""
    named = ", ".join(f"{name} {number}" for name, number in versions.items())
    warned = sorted({a.warning for a in answers.values() if a.warning and a.estimates is not None})
    lines = [
        "Written by `make parity` (`tests/certified/parity.py`), not by hand. The truth is that of",
        "`tests/certified/certify.py`: the same problems solved with 70 decimal digits from the formulas.",
        "Digits are the log relative error, −log₁₀(|number − truth| / |truth|), at most 15, of the least",
        "exact number; for a covariance across models relative to the product of its two standard errors.",
        "",
        f"{summary()} {named}.",
        "",
        "### Beside other programs: digits of estimates / of standard errors",
        "",
        "Each program has its default settings. — : it has no such fit or standard error (`clm` and `polr`",
        "none under a design, statsmodels none with strata, survey and svy none for counts). † : it warned",
        "that its estimates are in doubt.",
        "",
        *peer_table(found, answers, measured, binary=True),
        "",
        *peer_table(found, answers, measured, binary=False),
        "",
        '`svyolr(method = "cloglog")` fits the log-log link (see above); it has none of that name.',
        *_warning_lines(warned),
        "",
        "### Ours, by what was certified",
        "",
        *own_table(),
    ]
    return "\n".join(lines)


def _warning_lines(warned: list[str]) -> list[str]:
    if not warned:
        return []
    texts = list(dict.fromkeys(_short(part) for said in warned for part in said.split("; ")))
    return ["What the warnings said: " + "; ".join(f"“{text}”" for text in texts) + "."]


def write_section(text: str) -> None:
    """Replace what stands between the markers of docs/parity.md."""
    page = PAGE.read_text(encoding="utf-8")
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise SystemExit(f"{PAGE.name} needs one line {BEGIN} and one line {END}")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8", newline="\n")


def main(arguments: list[str]) -> None:
    """Measure, and write or print the tables."""
    parser = argparse.ArgumentParser(prog="certified.parity", description="digits of the certified problems")
    parser.add_argument("--print", action="store_true", dest="only_print", help="write nothing")
    parser.add_argument("--svy-python", default=os.environ.get("COPRODSTATS_SVY_PYTHON", ""))
    asked = parser.parse_args(arguments)
    found = fits()
    versions: dict[str, Any] = {"coprodstats": version("coprodstats"), "numpy": version("numpy")}
    answers = statsmodels_answers(found)
    versions["statsmodels"] = version("statsmodels")
    measured = {"statsmodels"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tables(folder, found)
        rscript = shutil.which("Rscript")
        if rscript:
            said, numbers = run([rscript, "--vanilla", str(HERE / "peers.R")], folder, "r.tsv")
            answers |= said
            versions |= numbers
            measured |= {"svyglm", "clm", "polr", "svyolr"}
        if asked.svy_python:
            said, numbers = run([asked.svy_python, str(HERE / "peer_svy.py")], folder, "svy.tsv")
            answers |= said
            versions |= numbers
            measured.add("svy")
    text = section(found, answers, measured, versions)
    if asked.only_print:
        print(text)
    else:
        write_section(text)
        print(summary())


if __name__ == "__main__":
    main(sys.argv[1:])
