"""How many threads a training computes with: sums in another order differ in their last digits, and choices with them.

BLAS and OpenMP are limited while they run. TensorFlow takes its number when it starts, so it is told by the environment
before that; processes that a training starts inherit the environment.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flows.errors import FlowsError

BLAS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
TENSORFLOW = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


class TooLateForThreads(FlowsError):
    """TensorFlow already runs in this process, with another number of threads than the training had."""


def current() -> dict[str, int]:
    """The numbers that a training started here computes with: what the environment says, else one a processor."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {"blas": _said(BLAS, cores), "tensorflow": _said(TENSORFLOW, cores)}


def _said(names: tuple[str, ...], otherwise: int) -> int:
    said = [os.environ[name] for name in names if os.environ.get(name, "").isdigit()]
    return int(said[0]) if said and int(said[0]) > 0 else otherwise


@contextmanager
def limited(threads: Mapping[str, int]) -> Iterator[None]:
    """Compute with these numbers of threads inside the block, whatever the process was started with.

    Args:
        threads: As `current` gives them; what is not named stays as it is.

    Raises:
        TooLateForThreads: TensorFlow runs with another number already.
    """
    from threadpoolctl import threadpool_limits

    wanted = dict.fromkeys(BLAS, threads.get("blas")) | dict.fromkeys(TENSORFLOW, threads.get("tensorflow"))
    _refuse_another_tensorflow(threads.get("tensorflow"))
    before = {name: os.environ.get(name) for name in wanted}
    _set({name: None if number is None else str(number) for name, number in wanted.items()}, keep_missing=True)
    try:
        with threadpool_limits(threads.get("blas")):
            yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None], keep_missing: bool = False) -> None:
    for name, value in values.items():
        if value is not None:
            os.environ[name] = value
        elif not keep_missing:
            os.environ.pop(name, None)


_started: dict[str, int] = {}
"""The number that TensorFlow was first told in this process."""


def _refuse_another_tensorflow(wanted: int | None) -> None:
    if wanted is None:
        return
    runs = _started.get("tensorflow", current()["tensorflow"]) if "tensorflow" in sys.modules else wanted
    if runs != wanted:
        raise TooLateForThreads(
            f"TensorFlow runs here with {runs} threads, and {wanted} are wanted; ask again in a process of its own, "
            "such as the command `agro reproduce`"
        )
    _started["tensorflow"] = wanted
