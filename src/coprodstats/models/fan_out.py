"""Work on many replicates, spread over cores in blocks, with word of how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from threadpoolctl import threadpool_limits

from coprodstats.errors import ArgumentError, Fault
from coprodstats.survey.progress import Progress, progress_faults, teller

Block = TypeVar("Block")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    n_jobs: int = -1
    progress: Progress | None = None


_OPTIONS: ContextVar[_Options] = ContextVar("replicate_fitting", default=_Options())  # noqa: B039  (frozen)


@contextmanager
def replicate_fitting(*, n_jobs: int = -1, progress: bool | Progress | None = None) -> Iterator[None]:
    """Say how the fits of replicates run inside a ``with`` block: on how many cores, and who is told.

    Parameters
    ----------
    n_jobs
        Threads; -1, as without this function, is one per core. The results are the same for any number.
    progress
        True: a bar on a terminal, one closing line elsewhere, on stderr; or a function that is called with
        the number of replicates fitted and their total, after each block of replicates.

    Returns
    -------
    AbstractContextManager
        For a ``with`` statement; it holds for the fits inside it.

    Raises
    ------
    ArgumentError
        If ``n_jobs`` is no whole number above 0 and not -1, or ``progress`` is neither True nor a function.

    Notes
    -----
    joblib runs the blocks, by default in threads, which share the data; ``joblib.parallel_config`` chooses
    another backend. While they run, linear algebra uses one thread per job.

    Examples
    --------
    >>> import pandas as pd, coprodstats as cps
    >>> frame = pd.DataFrame({"helps": [0, 1, 0, 1, 1, 0, 1, 1], "age": [20, 30, 40, 50, 60, 45, 35, 70]})
    >>> design = cps.SurveyDesign(replicate_method="jk1")
    >>> with cps.replicate_fitting(n_jobs=1, progress=lambda done, total: print(f"{done} of {total}")):
    ...     model = cps.logit("helps ~ age", frame, design=design)
    8 of 8
    """
    faults = []
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or (n_jobs < 1 and n_jobs != -1):
        faults.append(
            Fault(
                where="replicate_fitting: n_jobs", found=f"{n_jobs!r}", allowed="1, 2, … or -1 for all cores"
            )
        )
    faults += progress_faults(progress, "replicate_fitting")
    if faults:
        raise ArgumentError(*faults)
    token = _OPTIONS.set(_Options(n_jobs=n_jobs, progress=teller(progress, "replicates")))
    try:
        yield
    finally:
        _OPTIONS.reset(token)


def in_blocks(
    work: Callable[[Block], Iterable[Result]],
    blocks: Iterable[Block],
    total: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """Return the results of all blocks in order, computed as `replicate_fitting` says.

    Parameters
    ----------
    work
        From what tells some replicates (their positions, their weights) to a result for each.
    blocks
        What tells them, a block at a time, made when it is needed.
    total
        How many replicates there are.
    progress
        Who is told how far it is, instead of whom `replicate_fitting` names.
    """
    from joblib import Parallel, delayed  # noqa: PLC0415  (takes a while to import, and few fits need it)

    options = _OPTIONS.get()
    tell = progress or options.progress
    results: list[Result] = []
    with threadpool_limits(limits=1, user_api="blas"):
        parallel = Parallel(n_jobs=options.n_jobs, prefer="threads", return_as="generator")
        for found in parallel(delayed(work)(block) for block in blocks):
            results.extend(found)
            if tell is not None:
                tell(len(results), total)
    return results
