"""Estimates of the certified problems by svy: python peer_svy.py <folder>, where svy is installed.

Reads fits.tsv and one table per fit from the folder, written by parity.py; writes svy.tsv there. svy needs
polars 2 and pyarrow, which this project does not.
"""

from __future__ import annotations

import csv
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any


def column(name: str, values: list[str]) -> list:
    if name in ("stratum", "psu"):
        return values
    return [int(v) if name in ("y", "inside") else float.fromhex(v) for v in values]


def read(path: Path) -> Any:
    import polars as pl  # noqa: PLC0415  (only in an environment of its own)

    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, delimiter="\t")
    return pl.DataFrame({n: column(n, list(v)) for n, v in zip(header, zip(*rows, strict=True), strict=True)})


def fitted(fit: dict[str, str], frame: Any) -> tuple[list[float], list[float]]:
    """Return thresholds (minus the intercept), slopes, and their standard errors."""
    import svy  # noqa: PLC0415

    yes = {name: fit[name] == "1" for name in ("strata", "psu", "fpc", "domain")}
    design = svy.Design(
        wgt="w",
        stratum="stratum" if yes["strata"] else None,
        psu="psu" if yes["psu"] else None,
        pop_size="population" if yes["fpc"] else None,
        singleton=None if fit["lonely"] == "error" else {"adjust": "center"}[fit["lonely"]],
    )
    names = [f"c{j + 1}" for j in range(int(fit["slopes"]))]
    where = svy.col("inside") == 1 if yes["domain"] else None
    found = svy.Sample(frame, design).glm.fit("y", x=names, family="binomial", where=where).fitted
    estimates = [float(c.est) for c in found.coefs]  # the intercept first
    return [-estimates[0], *estimates[1:]], [float(c.se) for c in found.coefs]


def main(folder: Path) -> None:
    lines = [["versions", "svy", version("svy")], ["versions", "polars", version("polars")]]
    with (folder / "fits.tsv").open(encoding="utf-8", newline="") as file:
        fits = list(csv.DictReader(file, delimiter="\t"))
    for fit in fits:
        if fit["binary"] != "1" or fit["covariance"] == "model":
            continue
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                estimates, errors = fitted(fit, read(folder / fit["file"]))
            except Exception as error:
                text = str(error).strip() or repr(error)
                lines.append([fit["id"], "svy", "error", "1", " ".join(text.split())[:200]])
                continue
        for kind, values in (("estimate", estimates), ("std_error", errors)):
            lines += [[fit["id"], "svy", kind, str(k + 1), repr(v)] for k, v in enumerate(values)]
        lines += [[fit["id"], "svy", "warning", "1", " ".join(str(w.message).split())[:200]] for w in warned]
    text = "".join("\t".join(line) + "\n" for line in lines)
    (folder / "svy.tsv").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
