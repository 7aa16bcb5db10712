"""A schedule that is due is run by the worker, and one that is not shows."""

import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from agro import doctor, programs
from flows import prefect_setup, schedules
from flows.schedules import Schedule
from tests.programs import started

pytestmark = pytest.mark.timeout(180)
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)

FLOW = """
from pathlib import Path
from prefect import flow

@flow
def tick():
    Path("ticked").touch()
"""
PROJECT = """
name: ticking
pull: [{prefect.deployments.steps.set_working_directory: {directory: "{{ $PWD }}"}}]
deployments:
  - name: every-few-seconds
    entrypoint: tick.py:tick
    schedules: [{interval: 5}]
    concurrency_limit: {limit: 1, collision_strategy: ENQUEUE}
    work_pool: {name: ticking}
"""


def ticking():
    """Its schedule, as the server knows it."""
    (row,) = [row for row in schedules.read() if row.name.startswith("tick/")]
    return row


def test_the_worker_runs_a_schedule_that_is_due_and_the_doctor_shows_it(prefect_client, tmp_path, monkeypatch):
    (tmp_path / "tick.py").write_text(FLOW)
    (tmp_path / "prefect.yaml").write_text(PROJECT)
    monkeypatch.setenv("AGRO_PREFECT_POOL", "ticking")
    assert prefect_setup.apply(tmp_path / "prefect.yaml")
    command, environment = programs.worker_command()
    with started(command, {**os.environ, **environment}, tmp_path / "worker.log"):
        while not (tmp_path / "ticked").exists():
            time.sleep(0.2)
        while (row := ticking()).last is None:
            time.sleep(0.2)
    assert row.name == "tick/every-few-seconds"
    assert row.next > row.last
    (found,) = [finding for finding in doctor.examine() if finding.part == "schedule tick/every-few-seconds"]
    assert found.healthy
    assert f"last {row.last:%Y-%m-%d %H:%M} UTC" in found.found
    assert "next 20" in found.found


@pytest.mark.parametrize(
    ("schedule", "fault"),
    [
        (Schedule("a/b", NOON - timedelta(days=1), next=NOON + timedelta(hours=1)), None),
        (Schedule("a/b", NOON - timedelta(days=1)), "no next run is planned"),
        (Schedule("a/b", NOON - timedelta(minutes=1)), None),
        (
            Schedule("a/b", NOON, next=NOON + timedelta(hours=1), missed=NOON - timedelta(minutes=3)),
            "the run due 2026-11-27 11:57 UTC has not begun",
        ),
        (Schedule("a/b", NOON, next=NOON + timedelta(hours=1), missed=NOON - timedelta(minutes=1)), None),
    ],
)
def test_a_schedule_without_a_next_run_or_with_one_missed_is_a_fault(schedule, fault):
    assert schedule.fault(NOON, server_since=NOON - timedelta(hours=1)) == fault


def test_a_server_that_has_just_started_may_take_two_minutes_to_plan():
    assert Schedule("a/b", NOON - timedelta(days=1)).fault(NOON, server_since=NOON - timedelta(minutes=1)) is None
