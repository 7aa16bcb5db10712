"""The number of threads that a training is computed with, and is computed with again."""

import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from flows import threads


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_the_environment_says_how_many_and_otherwise_it_is_one_a_processor(monkeypatch):
    for name in (*threads.BLAS, *threads.TENSORFLOW):
        monkeypatch.delenv(name, raising=False)
    cores = len(os.sched_getaffinity(0))
    assert threads.current() == {"blas": cores, "tensorflow": cores}
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "3")
    assert threads.current() == {"blas": 1, "tensorflow": 3}


def test_inside_the_block_every_library_has_the_number_and_after_it_the_old_one(monkeypatch):
    np.ones((2, 2)) @ np.ones((2, 2))
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    before = blas_threads()
    with threads.limited({"blas": 1}):
        assert blas_threads() == {1}
        assert os.environ["OMP_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert blas_threads() == before
    assert os.environ["OMP_NUM_THREADS"] == "2"
    with threads.limited({}):  # a version from before it was written down
        assert blas_threads() == before


FIT = """
import json, sys
import numpy as np
from flows import threads
with threads.limited(json.loads(sys.argv[1])):
    rng = np.random.default_rng(0)
    long, square = rng.normal(size=1_000_000), rng.normal(size=(700, 700))
    print((long @ long).hex(), np.linalg.inv(square).sum().hex())
"""


def test_what_was_computed_with_one_thread_comes_out_the_same_in_a_process_of_two():
    def computed(environment, limit):
        answer = subprocess.run(
            [sys.executable, "-c", FIT, limit], env=os.environ | environment, capture_output=True, text=True, check=True
        )
        return answer.stdout

    one, two = (dict.fromkeys(threads.BLAS, number) for number in ("1", "2"))
    assert computed(one, "{}") == computed(two, '{"blas": 1}')


def test_tensorflow_that_runs_with_another_number_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    monkeypatch.setattr(threads, "_started", {"tensorflow": 2})
    with (
        pytest.raises(threads.TooLateForThreads, match="runs here with 2 threads, and 1 are wanted; ask again"),
        threads.limited({"tensorflow": 1}),
    ):
        pass
