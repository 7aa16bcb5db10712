"""Fit many series in a few processes: the same results in the same order as one after the other."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING

from pydantic import BaseModel

from models.forecasting.calendar import Calendar
from models.forecasting.fits import Done, Fit
from models.forecasting.panel import Series

if TYPE_CHECKING:
    from models.forecasting.per_series import PerSeries

FITS_WORTH_A_POOL = 150
"""Fewer fits take less time than starting processes."""
CHUNK = 20
MOST_PROCESSES = 8

Jobs = list[tuple[Series, Calendar]]


def run(
    learner: "PerSeries",
    series: Sequence[tuple[Series, Calendar]],
    config: BaseModel,
    done: Done,
    processes: int | None = None,
) -> list[Fit]:
    """The fit of every series, in their order.

    Args:
        learner: Fits one series.
        series: Each with its calendar.
        config: Hyperparameters.
        done: Told of progress.
        processes: How many to use; by default as many as there are processors, or one where the work is small.
    """
    chunks = [list(series[start : start + CHUNK]) for start in range(0, len(series), CHUNK)]
    n_processes = _processes(learner, len(series)) if processes is None else processes
    results = _serial if n_processes < 2 else _parallel
    by_chunk: dict[int, list[Fit]] = {}
    for number, result in results(learner, chunks, config, n_processes):
        by_chunk[number] = result
        done(len(by_chunk) / len(chunks))
    return [fit for number in range(len(chunks)) for fit in by_chunk[number]]


def _processes(learner: "PerSeries", n_fits: int) -> int:
    if not learner.slow or n_fits < FITS_WORTH_A_POOL or multiprocessing.current_process().daemon:
        return 1
    return min(
        MOST_PROCESSES, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )


Numbered = Iterator[tuple[int, list[Fit]]]


def _serial(learner: "PerSeries", chunks: list[Jobs], config: BaseModel, _: int) -> Numbered:
    learner.prepare()
    for number, chunk in enumerate(chunks):
        yield number, _fitted(learner, chunk, config)


def _parallel(learner: "PerSeries", chunks: list[Jobs], config: BaseModel, processes: int) -> Numbered:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=learner.prepare) as executor:
        futures: dict[Future[list[Fit]], int] = {
            executor.submit(_fitted, learner, chunk, config): number for number, chunk in enumerate(chunks)
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            executor.shutdown(cancel_futures=True)  # who stops asking waits for what runs, not for all


def _fitted(learner: "PerSeries", chunk: Jobs, config: BaseModel) -> list[Fit]:
    return [learner.one(series, calendar, config) for series, calendar in chunk]
