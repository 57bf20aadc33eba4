"""Numbers are the same, to the last bit, under any BLAS kernel, number of threads and order of rows.

Fifteen digits reach a file. Bits that differ would change them too, now and then: where a number lies between
two of fifteen digits, and where an interval ends near zero.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .same_numbers import drawn

TESTS = Path(__file__).resolve().parents[1]
# Kernels of OpenBLAS with and without fused multiply-add, of 128, 256 and 512 bits.
KERNELS = ("Haswell", "SkylakeX", "Prescott")
SEED = 20_120_301
PRODUCT = "import numpy as np; a = np.ones((64, 64)); a @ a"


def environment(kernel: str, threads: int) -> dict[str, str]:
    return os.environ | {"OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": str(threads)}


def runs_here(kernel: str) -> bool:
    """Return whether this processor has the instructions of a kernel: OpenBLAS takes what it is told."""
    done = subprocess.run([sys.executable, "-c", PRODUCT], env=environment(kernel, 1), check=False)
    return done.returncode != -signal.SIGILL


def printed(rows: Path, kernel: str, threads: int, order: int) -> str:
    command = [sys.executable, "-m", "certified.same_numbers", str(rows), str(order)]
    done = subprocess.run(
        command, cwd=TESTS, env=environment(kernel, threads), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def outputs(tmp_path_factory) -> dict[tuple[str, int, int], str]:
    rows = tmp_path_factory.mktemp("same") / "rows.csv"
    drawn(SEED).to_csv(rows, index=False)
    # every kernel with one thread and two; half of these runs with the rows in another order
    runs = [
        (kernel, threads, (i + threads) % 2 * (i + 1))
        for i, kernel in enumerate(KERNELS)
        if runs_here(kernel)
        for threads in (1, 2)
    ]
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(runs, pool.map(lambda run: printed(rows, *run), runs), strict=True))


@pytest.mark.parametrize("kernel", KERNELS)
def test_tables_have_the_same_bytes(outputs, kernel):
    (first, expected), *_ = outputs.items()
    assert len(expected.splitlines()) > 200
    compared = {run: found for run, found in outputs.items() if run[0] == kernel}
    if not compared:
        pytest.skip(f"this processor lacks instructions of OpenBLAS's kernel {kernel}")
    for run, found in compared.items():
        differing = [
            pair for pair in zip(expected.splitlines(), found.splitlines(), strict=True) if pair[0] != pair[1]
        ]
        assert differing == [], (first, run)
