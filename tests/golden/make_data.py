"""Write the data of the golden numbers: what R and this package both read.

    python tests/golden/make_data.py            write tests/golden/data/
    python tests/golden/make_data.py --check    compare what is there with what would be written

five_nation.csv   the cleaned synthetic survey, the columns that the scripts need. Categories are
                  written as their position in `LEVELS` (r/common.R spells out the same), numbers with as
                  many digits as they need to be read back as the same double, missing answers as empty cells.
sites.csv         a small stratified sample of elements with finite population correction, and a small sample
                  of PSUs with it, drawn here with a seed.
lonely.csv        a small sample in which some strata have a single PSU, drawn here with a seed.
"""

# ruff: noqa: T201  (what a command prints)

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import coprodstats as cps

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DATA = HERE / "data"

# Lowest to highest for outcomes, reference first for predictors; the same lists stand in r/common.R.
LEVELS = {
    "gender": ["man", "woman", "other"],
    "education": ["low", "middle", "high"],
    "employment": ["in work", "unemployed", "retired", "other inactive"],
    "urban": ["rural", "urban"],
    "country": ["Czech Republic", "Denmark", "France", "Germany", "United Kingdom"],
    "individual_high": ["lower", "higher"],
    "collective_any": ["no", "yes"],
    "individual_band": ["low", "middle", "high"],
    "collective_sectors": ["0", "1", "2 or more"],
}
NUMBERS = [
    "weight", "age", "outcome", "performance", "information", "consultation", "efficacy",
    "individual_index", "collective_index",
]  # fmt: skip
DESIGN = ["region", "municipality"]
SEED = 20_080_917


def main(arguments: list[str] | None = None) -> int:
    """Write or compare the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with what is committed")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(SEED)
    files = {"five_nation.csv": five_nation(), "sites.csv": sites(rng), "lonely.csv": lonely(rng)}
    stale = [name for name, frame in files.items() if _differs(DATA / name, _csv(frame))]
    if options.check:
        print("differs: " + ", ".join(stale) if stale else "the data are what would be written")
        return int(bool(stale))
    DATA.mkdir(exist_ok=True)
    for name, frame in files.items():
        (DATA / name).write_text(_csv(frame), encoding="utf-8", newline="\n")
    print(f"wrote {', '.join(files)} to {DATA.relative_to(ROOT)}")
    return 0


def five_nation() -> pd.DataFrame:
    """Return the needed columns of the cleaned synthetic survey, categories as positions."""
    codebook = cps.read_codebook(ROOT / "analyses" / "five_nation_2008" / "codebook.toml")
    frame = cps.clean(cps.read_survey(ROOT / "data" / "synthetic" / "five_nation_2008.sav", codebook)).frame
    for name, levels in LEVELS.items():
        if frame[name].cat.categories.tolist() != levels:
            message = f"the levels of {name} are {frame[name].cat.categories.tolist()}, not {levels}"
            raise SystemExit(message)
    codes = {name: frame[name].cat.codes.where(frame[name].notna()).astype("Int64") for name in LEVELS}
    return pd.DataFrame(
        {**{d: frame[d].astype(str) for d in DESIGN}, **codes, **{n: frame[n] for n in NUMBERS}}
    )


def sites(rng: np.random.Generator) -> pd.DataFrame:
    """Draw elements in three strata (finite populations of elements) that also form PSUs within strata."""
    population = {"east": 400, "middle": 300, "west": 100}
    psu_population = {"east": 40, "middle": 30, "west": 12}
    parts = []
    for h, (stratum, n) in enumerate({"east": 100, "middle": 60, "west": 40}.items()):
        size = rng.normal(0.3 * h, 1.0, n).round(3)
        share = rng.uniform(0.0, 100.0, n).round(1)
        psu = np.arange(n) // 10
        latent = 0.8 * size - 0.02 * (share - 50) + rng.normal(0, 0.5, n // 10)[psu] + rng.logistic(0, 1, n)
        parts.append(
            pd.DataFrame(
                {
                    "stratum": stratum,
                    "psu": [f"{stratum}{c}" for c in psu],
                    "weight": population[stratum] / n,
                    "population": population[stratum],
                    "psu_population": psu_population[stratum],
                    "size": size,
                    "share": share,
                    "open": (latent > 0).astype(int),
                    "grade": np.digitize(latent, [-1.0, 0.2, 1.5]),
                    "score": (50 + 10 * latent).round(2),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def lonely(rng: np.random.Generator) -> pd.DataFrame:
    """Draw ten strata of one to four PSUs; strata 3 and 8 have a single one."""
    rows = []
    for stratum, n_psu in enumerate([3, 2, 1, 4, 2, 3, 2, 1, 4, 3], start=1):
        for psu in range(1, n_psu + 1):
            shift = rng.normal(0, 0.6)
            for _ in range(int(rng.integers(4, 9))):
                x = round(float(rng.normal(0, 1)), 3)
                latent = shift + 0.5 * x + rng.logistic()
                rows.append(
                    {
                        "stratum": stratum,
                        "psu": 100 * stratum + psu,
                        "weight": round(float(rng.uniform(0.5, 3.0)), 3),
                        "x": x,
                        "y": int(latent > 0),
                        "score": round(10 * latent, 2),
                    }
                )
    return pd.DataFrame(rows)


def read(name: str) -> pd.DataFrame:
    """Read one of the files as the package's models expect it: categories by label, in order."""
    frame = pd.read_csv(DATA / name, keep_default_na=False, na_values=[""])
    for column, levels in LEVELS.items():
        if column in frame and name == "five_nation.csv":
            codes = frame[column].fillna(-1).astype(int)
            frame[column] = pd.Categorical.from_codes(codes, levels, ordered=True)
    return frame


def _csv(frame: pd.DataFrame) -> str:
    written = frame.copy()
    for column in written.select_dtypes("float"):
        written[column] = [_shortest(value) for value in frame[column]]
    return written.to_csv(index=False, lineterminator="\n")


def _shortest(value: float) -> str:
    return "" if np.isnan(value) else repr(float(value)).removesuffix(".0")


def _differs(path: Path, text: str) -> bool:
    return not path.exists() or path.read_text(encoding="utf-8") != text


if __name__ == "__main__":
    sys.exit(main())
