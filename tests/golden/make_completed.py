"""Write the data of the golden numbers of multiple imputation.

    python tests/golden/make_completed.py            write them
    python tests/golden/make_completed.py --check    compare what is there with what would be written

completed.csv    one small stratified sample of PSUs, five times: the gaps in some columns are filled with the
                 answers of others drawn at random, which is all that combining results asks for.
incomplete.csv   an ordered answer that depends on a number, missing in half of the rows at random given it.
"""

# ruff: noqa: T201  (what a command prints)

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).resolve().parent / "data"
SEED = 20_080_929
M = 5


def main(arguments: list[str] | None = None) -> int:
    """Write or compare the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with what is committed")
    options = parser.parse_args(arguments)
    made = files()
    if options.check:
        stale = [name for name, text in made.items() if (DATA / name).read_text(encoding="utf-8") != text]
        print("differs: " + ", ".join(stale) if stale else "the data are what would be written")
        return int(bool(stale))
    for name, text in made.items():
        (DATA / name).write_text(text, encoding="utf-8", newline="\n")
    return 0


def files() -> dict[str, str]:
    """Return the files' texts by name."""
    rng = np.random.default_rng(SEED)
    frames = {"completed.csv": completed(rng), "incomplete.csv": incomplete(rng)}
    return {name: frame.to_csv(index=False, lineterminator="\n") for name, frame in frames.items()}


def completed(rng: np.random.Generator) -> pd.DataFrame:
    """Draw 200 respondents of 20 PSUs in 5 strata, make gaps, and fill them M times."""
    psu = np.repeat(np.arange(20), 10)
    shift = rng.normal(0, 0.4, 20)[psu]
    frame = pd.DataFrame(
        {"stratum": psu // 4 + 1, "psu": psu + 101, "weight": rng.uniform(0.5, 3.0, 200).round(3)}
    )
    frame["age"] = rng.integers(18, 90, 200)
    frame["woman"] = (rng.random(200) < 0.5).astype(int)
    frame["score"] = rng.normal(50, 20, 200).round(1)
    latent = 0.02 * (frame["age"] - 50) + 0.4 * frame["woman"] + 0.02 * (frame["score"] - 50) + shift
    frame["helps"] = (latent + rng.logistic(0, 1, 200) > 0).astype(int)
    frame["joins"] = (rng.logistic(0, 1, 200) - 0.5 * latent > 0.5).astype(int)
    frame["trust"] = np.digitize(latent + rng.logistic(0, 1, 200), [-0.8, 1.0])
    gaps = {
        name: rng.random(200) < share for name, share in (("woman", 0.1), ("score", 0.25), ("trust", 0.2))
    }
    parts = []
    for number in range(1, M + 1):
        filled = frame.copy()
        for name, gap in gaps.items():
            filled.loc[gap, name] = rng.choice(frame.loc[~gap, name].to_numpy(), int(gap.sum()))
        filled.insert(0, "imputation", number)
        parts.append(filled)
    return pd.concat(parts, ignore_index=True)


def incomplete(rng: np.random.Generator) -> pd.DataFrame:
    """Draw 1,200 rows: a number x, and an ordered answer 0 … 3 that those with a high x tend not to give."""
    x = rng.normal(0, 1, 1200).round(3)
    answer = np.digitize(1.2 * x + rng.logistic(0, 1, 1200), [-1.5, 0.3, 2.0]).astype(float)
    answer[rng.random(1200) < 1 / (1 + np.exp(-x))] = np.nan
    return pd.DataFrame({"x": x, "answer": pd.array(answer, dtype="Int64")})


if __name__ == "__main__":
    raise SystemExit(main())
