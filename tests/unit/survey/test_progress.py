from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, dimensionality, impute, logit, replicate_fitting
from coprodstats.errors import ArgumentError
from coprodstats.survey.progress import teller


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    data = pd.DataFrame(rng.integers(0, 3, (120, 5)), columns=list("abcde"))
    data["x"] = rng.normal(size=120)
    data["helps"] = (data["x"] + rng.logistic(size=120) > 0).astype(int)
    data.loc[:9, "x"] = np.nan
    return data


def test_without_a_terminal_a_bar_is_one_closing_line(
    frame: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    with replicate_fitting(n_jobs=1, progress=True):
        logit("helps ~ a", frame, design=SurveyDesign(replicate_method="jk1"))
    assert capsys.readouterr() == ("", "120 replicates\n")
    dimensionality(frame, list("abcde"), seed=1, n_replicates=20, progress=True)
    assert capsys.readouterr() == ("", "20 shuffles\n")
    impute(frame, ["x", "helps"], seed=1, m=2, iterations=3, progress=True)
    assert capsys.readouterr() == ("", "6 rounds of imputation\n")


def test_on_a_terminal_the_bar_goes_and_the_line_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    tell = teller(progress=True, what="replicates")
    assert tell is not None
    for done in (1, 2, 3):
        tell(done, 3)
    assert screen.getvalue().rstrip().endswith("3 replicates")
    assert "\x1b[" in screen.getvalue()


def test_what_is_no_progress(frame: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match=r"progress: it is a str\n\s+Allowed: True, or a function"):
        dimensionality(frame, list("abcde"), seed=1, n_replicates=20, progress="yes")  # type: ignore[arg-type]
    with (
        pytest.raises(ArgumentError, match=r"replicate_fitting: progress: it is a int"),
        replicate_fitting(progress=3),  # type: ignore[arg-type]
    ):
        pass
