"""A flow run that is killed, on a real Prefect server: what becomes of it, of its processes and of its slot."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from base.home import home
from bentos import processes
from flows import reaper, records

RUN = """
import subprocess, sys, time
from flows.runtime import connect_prefect
connect_prefect()
from prefect import flow
from flows.locks import create_slots, one_at_a_time
from flows.progress import listening
@flow(name="train-nothing")
def train():
    with one_at_a_time("train-nothing"):
        if "stay" in sys.argv:
            left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=subprocess.DEVNULL)
            print(f"left {left.pid}", flush=True)
            time.sleep(600)
    print("got it", flush=True)
create_slots(["train-nothing"])
with listening(lambda share, doing: print(doing, flush=True)):
    train()
"""


@pytest.fixture
def run(on_prefect):
    """Starts a process with a flow run; its words come line by line."""
    started = []

    def start(*arguments):
        environment = {**os.environ, "AGRO_HOME": str(home())}
        command = [sys.executable, "-c", RUN, *arguments]
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def line(process, words):
    """The next line of a process that has these words."""
    return next(line for line in process.stdout if words in line).strip()


def killed_while_it_holds_the_slot(run):
    """A dead run's record and what it left behind."""
    holder = run("stay")
    left = psutil.Process(int(line(holder, "left").split()[1]))
    (record,) = records.everything()
    return holder, record, left


def state_of(record):
    from uuid import UUID

    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.read_flow_run(UUID(record.run_id)).state


def logged(record):
    """What the run's log says, as the Prefect page shows it."""
    from uuid import UUID

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId

    chosen = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[UUID(record.run_id)]))
    with get_client(sync_client=True) as client:
        return " ".join(row.message for row in client.read_logs(chosen))


def test_a_killed_run_is_crashed_its_processes_end_and_the_next_gets_its_slot(run):
    holder, record, left = killed_while_it_holds_the_slot(run)
    waiting = run()
    said = line(waiting, "waiting for the slot train-nothing")
    assert record.name in said and str(holder.pid) in said and "since 20" in said
    (waits,) = (found for found in records.everything() if found.pid == waiting.pid)
    assert reaper.reap() == []
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    (told,) = reaper.reap()
    assert "crashed" in told and "the slot train-nothing is free" in told
    assert processes.gone(left)
    assert state_of(record).is_crashed() and str(holder.pid) in state_of(record).message
    assert line(waiting, "got it")
    assert waiting.wait(60) == 0
    assert said in logged(waits)
    assert records.everything() == []


def test_down_ends_the_runs_of_other_terminals_and_they_are_told_as_crashed(run):
    holder, record, left = killed_while_it_holds_the_slot(run)
    (told,) = reaper.end_all("stopped by `agro down`")
    assert record.name in told
    assert holder.wait(30) != 0
    assert processes.gone(left)
    assert state_of(record).is_crashed()
    assert records.everything() == []
    after = run()
    assert line(after, "got it")


def test_a_dead_run_is_kept_until_the_server_can_be_told(run, monkeypatch, free_port):
    from flows.errors import PrefectUnreachable

    holder, record, left = killed_while_it_holds_the_slot(run)
    holder.kill()
    holder.wait()
    with monkeypatch.context() as away:
        away.setenv("AGRO_PREFECT_API_URL", f"http://127.0.0.1:{free_port}/api")
        with pytest.raises(PrefectUnreachable):
            reaper.reap()
    assert processes.gone(left)
    assert records.everything() == [records.Record(**record.__dict__)]
    reaper.reap()
    assert state_of(record).is_crashed()


def test_a_process_that_got_the_id_of_a_dead_run_is_not_taken_for_it():
    alive = psutil.Process()
    found = records.Record("id", "train x", alive.pid, alive.create_time() - 3600)
    assert found.process() is None
    assert records.Record("id", "train x", alive.pid, alive.create_time()).process() == alive


def test_a_damaged_record_hides_no_other():
    good = records.Record("good", "train x", os.getpid(), time.time())
    records.keep(good)
    (good.path.parent / "bad.json").write_text("{")
    assert records.everything() == [good]


def test_a_record_that_cannot_be_read_is_swept():
    damaged = home("run", "flows", "damaged.json")
    damaged.parent.mkdir(parents=True, exist_ok=True)
    damaged.write_text("{")
    assert records.everything() == []
    assert not damaged.exists()
