"""Fit many series in a few processes: the same results in the same order as one after the other."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from typing import NamedTuple

from models.evaluation import Recipe
from models.forecasting import fits, prophet
from models.forecasting.calendar import Calendar
from models.forecasting.fits import Fold
from models.forecasting.panel import Series

FITS_WORTH_A_POOL = 150
"""Fewer fits take less time than starting processes."""
CHUNK = 3
MOST_PROCESSES = 8


class Job(NamedTuple):
    """A series and the origins to fit it at."""

    series: Series
    origins: tuple[int, ...]


Done = Callable[[float], None]
"""Told the share of the jobs that are done."""


def run(
    jobs: Sequence[Job], horizon: int, calendar: Calendar, recipe: Recipe, done: Done, processes: int | None = None
) -> list[list[Fold]]:
    """The folds of every job, in the order of the jobs.

    Args:
        jobs: Series and their origins.
        horizon: Steps to look ahead from each origin.
        calendar: The calendar of all series.
        recipe: Algorithm and hyperparameters.
        done: Told of progress.
        processes: How many to use; by default as many as there are processors, or one where the work is small.
    """
    chunks = [list(jobs[start : start + CHUNK]) for start in range(0, len(jobs), CHUNK)]
    n_processes = _processes(jobs, recipe) if processes is None else processes
    results = _serial if n_processes < 2 else _parallel
    by_chunk: dict[int, list[list[Fold]]] = {}
    for number, result in results(chunks, horizon, calendar, recipe, n_processes):
        by_chunk[number] = result
        done(len(by_chunk) / len(chunks))
    return [folds for number in range(len(chunks)) for folds in by_chunk[number]]


def _processes(jobs: Sequence[Job], recipe: Recipe) -> int:
    small = sum(len(job.origins) for job in jobs) < FITS_WORTH_A_POOL
    if recipe.algorithm != "prophet" or small or multiprocessing.current_process().daemon:
        return 1
    return min(
        MOST_PROCESSES, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )


Numbered = Iterator[tuple[int, list[list[Fold]]]]


def _serial(chunks: list[list[Job]], horizon: int, calendar: Calendar, recipe: Recipe, _: int) -> Numbered:
    prepare(recipe.algorithm)
    for number, chunk in enumerate(chunks):
        yield number, _fold(chunk, horizon, calendar, recipe)


def _parallel(chunks: list[list[Job]], horizon: int, calendar: Calendar, recipe: Recipe, processes: int) -> Numbered:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=prepare, initargs=(recipe.algorithm,)) as executor:
        futures: dict[Future[list[list[Fold]]], int] = {
            executor.submit(_fold, chunk, horizon, calendar, recipe): number for number, chunk in enumerate(chunks)
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            executor.shutdown(cancel_futures=True)  # who stops asking waits for what runs, not for all


def _fold(chunk: list[Job], horizon: int, calendar: Calendar, recipe: Recipe) -> list[list[Fold]]:
    return [fits.folds(job.series, job.origins, horizon, calendar, recipe) for job in chunk]


def prepare(algorithm: str) -> None:
    """Import what an algorithm needs, once a process, and keep it quiet."""
    if algorithm == "prophet":
        prophet.quiet()
