"""Times svy on data written by bench.py: python bench_svy.py <folder> <repeats>, where svy is installed.

Writes svy.csv into the folder. svy needs polars 2 and pyarrow, which this project does not.
"""

from __future__ import annotations

import csv
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np


def main() -> None:
    """Read the data, time the fit, write the times."""
    import polars as pl  # noqa: PLC0415  (only in an environment of its own)
    import svy  # noqa: PLC0415
    from bench_time import timed  # noqa: PLC0415

    folder, repeats = Path(sys.argv[1]), int(sys.argv[2])
    columns = (folder / "columns.txt").read_text(encoding="utf-8").split("\n")
    values = np.fromfile(folder / "data.bin", dtype="<f8").reshape(len(columns), -1)
    frame = pl.DataFrame({name: values[j] for j, name in enumerate(columns)})
    whole = [name for name in columns if name in {"event", "stratum", "psu"}]
    frame = frame.with_columns(pl.col(whole).cast(pl.Int64))
    predictors = [name for name in columns if name not in {"grade", "event", "weight", "stratum", "psu"}]
    terms = predictors
    if predictors[0] == "f1":
        frame = frame.with_columns(pl.col(predictors).cast(pl.Int64).cast(pl.String))
        terms = [svy.Cat(name, ref="0") for name in predictors]
    sample = svy.Sample(frame, svy.Design(stratum="stratum", wgt="weight", psu="psu"))

    def fit() -> svy.GLM:
        return sample.glm.fit(y="event", x=terms, family="binomial")

    def slopes(fitted: svy.GLM) -> list[float]:
        return [row["estimate"] for row in fitted.to_polars().to_dicts() if row["term"] != "_intercept_"]

    timing = timed("binary, design", f"svy {version('svy')}", fit, slopes, repeats)
    with (folder / "svy.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "program", "quantity", "value"])
        for quantity, numbers in (("wall", timing.wall), ("cpu", timing.cpu), ("slope", timing.slopes)):
            writer.writerows([timing.model, timing.program, quantity, repr(float(v))] for v in numbers)


if __name__ == "__main__":
    main()
