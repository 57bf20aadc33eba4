"""Work in a copy of the process gives what it gives here, and fails here."""

from __future__ import annotations

import os
import sys

import pytest

from coprodstats.reporting import side_process
from coprodstats.reporting.side_process import side_processes

HERE = os.getpid()

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux alone")


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> None:
    # Other tests may have loaded what forbids copies; these works use none of it.
    monkeypatch.setattr(side_process, "_can_copy", lambda: True)


def whereabouts() -> dict[str, bytes]:
    return {"large": b"x" * 1_000_000, "pid": str(os.getpid()).encode()}


@pytest.mark.usefixtures("copied")
def test_files_come_from_a_copy_of_the_process() -> None:
    with side_processes({"one": whereabouts, "two": whereabouts}) as made:
        one, two = made["one"](), made["two"]()
    assert one["large"] == two["large"] == b"x" * 1_000_000
    assert len({int(one["pid"]), int(two["pid"]), HERE}) == 3


@pytest.mark.usefixtures("copied")
def test_what_is_wrong_is_raised_here() -> None:
    def broken() -> dict[str, bytes]:
        raise ValueError("no paper")

    with side_processes({"one": broken}) as made, pytest.raises(ValueError, match="no paper"):
        made["one"]()


@pytest.mark.usefixtures("copied")
def test_a_copy_that_ends_without_its_files_is_replaced() -> None:
    def mortal() -> dict[str, bytes]:
        if os.getpid() != HERE:
            os._exit(0)
        return {"press.txt": b"here"}

    with side_processes({"one": mortal}) as made:
        assert made["one"]() == {"press.txt": b"here"}


@pytest.mark.usefixtures("copied")
def test_no_copy_outlives_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    start, pids = side_process._started, []

    def noted(work: side_process.Work) -> tuple[int, object]:
        pid, pipe = start(work)
        pids.append(pid)
        return pid, pipe

    monkeypatch.setattr(side_process, "_started", noted)
    with pytest.raises(KeyError, match="stop"), side_processes({"one": whereabouts}):
        raise KeyError("stop")
    with pytest.raises(ProcessLookupError, match="No such process"):
        os.kill(pids[0], 0)


@pytest.mark.usefixtures("copied")
def test_a_copy_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_process, "PATIENCE", 0.2)

    def slow() -> dict[str, bytes]:
        if os.getpid() != HERE:
            os.read(os.pipe()[0], 1)
        return {"press.txt": b"here"}

    with side_processes({"one": slow}) as made:
        assert made["one"]() == {"press.txt": b"here"}


def test_without_copies_the_work_is_done_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", sys)
    with side_processes({"one": whereabouts}) as made:
        assert int(made["one"]()["pid"]) == HERE
