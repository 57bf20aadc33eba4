"""Write the data of the golden numbers of sampling designs: what R and this package both read.

    python tests/golden/make_design_data.py     write stages.csv, pairs.csv and hadamard.csv to data/

stages.csv     respondents drawn in three stages, with a seed: municipalities in regions, households in the
               localities of a municipality, persons in a household; ids begin anew in every unit above.
               Population counts N1 to N3 and sampling fractions f1 to f3. Region "islands" has a single
               municipality, some localities a single household: `part` says so.
pairs.csv      respondents of two PSUs in each of eleven strata; rw1 to rw12 are replicate weights of no
               method, positive and of about the size of the weights.
hadamard.csv   the matrix of order 12 that balances half-samples of the eleven pairs here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from coprodstats.survey.hadamard import hadamard_matrix

DATA = Path(__file__).resolve().parent / "data"
SEED = 31_415_926
# Municipalities sampled and in the population; all of the capital's are in the sample.
REGIONS = {"capital": (3, 3), "coast": (4, 12), "inland": (5, 21), "islands": (1, 6)}


def main() -> int:
    """Write the files."""
    for name, frame in made().items():
        (DATA / name).write_text(
            frame.to_csv(index=False, lineterminator="\n"), encoding="utf-8", newline="\n"
        )
    return 0


def made() -> dict[str, pd.DataFrame]:
    """Return the files by name."""
    rng = np.random.default_rng(SEED)
    order = hadamard_matrix(12)
    return {
        "stages.csv": stages(rng),
        "pairs.csv": pairs(rng),
        "hadamard.csv": pd.DataFrame(order, columns=[f"h{j + 1}" for j in range(len(order))]),
    }


def stages(rng: np.random.Generator) -> pd.DataFrame:
    """Draw municipalities, households within their localities, and persons within households."""
    rows = []
    for region, (sampled, population) in REGIONS.items():
        for municipality in range(1, sampled + 1):
            shift = rng.normal(0, 4)
            for locality in ("rural", "urban"):
                alone = region == "inland" and municipality == 2 and locality == "rural"
                households = 1 if alone else int(rng.integers(2, 5))
                in_locality = int(rng.integers(20, 60))
                for household in range(1, households + 1):
                    members = int(rng.integers(1, 5))
                    asked = min(members, 2)
                    part = "islands" if region == "islands" else "alone" if alone else "whole"
                    base = {"part": part, "region": region, "municipality": municipality}
                    base |= {"locality": locality, "household": household}
                    base |= {"N1": population, "N2": in_locality, "N3": members}
                    base |= {
                        "f1": sampled / population,
                        "f2": households / in_locality,
                        "f3": asked / members,
                    }
                    level = 50 + shift + rng.normal(0, 6)
                    for person in range(1, asked + 1):
                        score = round(float(level + rng.normal(0, 8)), 2)
                        rows.append(base | {"person": person, "score": score} | _answers(rng, score))
    frame = pd.DataFrame(rows)
    # Weights need not be the inverse fractions: those are for another case.
    factor = rng.uniform(0.8, 1.25, len(frame)).round(3)
    frame["weight"] = (factor / (frame["f1"] * frame["f2"] * frame["f3"])).round(3)
    return frame


def pairs(rng: np.random.Generator) -> pd.DataFrame:
    """Draw respondents in pairs of PSUs, and replicate weights."""
    rows = []
    for stratum in range(1, 12):
        for psu in (1, 2):
            shift = rng.normal(0, 5)
            base = {"stratum": f"s{stratum:02d}", "psu": 10 * stratum + psu}
            base |= {"position": float(rng.permutation(100)[0] + 100 * psu)}
            for _ in range(int(rng.integers(4, 9))):
                score = round(float(50 + shift + rng.normal(0, 10)), 2)
                weight = round(float(rng.uniform(5, 40)), 3)
                rows.append(base | {"weight": weight, "score": score} | _answers(rng, score))
    frame = pd.DataFrame(rows)
    factors = rng.uniform(0.3, 1.7, (len(frame), 12)).round(3)
    weights = {f"rw{r + 1}": (frame["weight"] * factors[:, r]).round(3) for r in range(12)}
    return frame.assign(**weights)


def _answers(rng: np.random.Generator, score: float) -> dict[str, str]:
    tendency = (score - 50) / 20
    grade = int(np.digitize(tendency + rng.logistic(0, 0.6), [-0.5, 0.6]))
    return {
        "joins": "yes" if tendency + rng.logistic(0, 0.7) > 0.2 else "no",
        "grade": ("low", "middle", "high")[grade],
        "group": "ab"[int(rng.random() < 0.45)],
    }


if __name__ == "__main__":
    sys.exit(main())
