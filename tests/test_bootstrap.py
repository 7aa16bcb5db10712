"""bootstrap.sh on a machine whose apt is busy, with an apt-get that takes the real lock of a folder of its own."""

import fcntl
import os
import subprocess
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APT = """#!/bin/bash
if [[ $1 == update ]]; then
  exec /usr/bin/apt-get -o Dir::State::lists={lists} -o Dir::Etc::sourcelist=/dev/null \\
    -o Dir::Etc::sourceparts=/dev/null -o Dir::Cache={lists}/cache update
fi
echo "$@" >>{told}
"""


@pytest.fixture
def machine(tmp_path):
    """A machine that lacks the packages, whose package lists are in a folder of this test."""
    if not Path("/usr/bin/apt-get").exists() or os.geteuid() != 0:
        pytest.skip("needs apt-get and root")
    lists, bin_dir = tmp_path / "lists", tmp_path / "bin"
    (lists / "partial").mkdir(parents=True)
    (lists / "cache" / "archives" / "partial").mkdir(parents=True)
    bin_dir.mkdir()
    (bin_dir / "dpkg-query").write_text("#!/bin/sh\nexit 1\n")
    (bin_dir / "apt-get").write_text(APT.format(lists=lists, told=tmp_path / "told"))
    for program in bin_dir.iterdir():
        program.chmod(0o755)
    return tmp_path


def bootstrap(machine, wait_s):
    environment = os.environ | {"PATH": f"{machine / 'bin'}:{os.environ['PATH']}"}
    environment |= {"AGRO_APT_WAIT_S": str(wait_s), "AGRO_APT_PAUSE_S": "0.2"}
    return subprocess.Popen(
        [str(ROOT / "bootstrap.sh"), "packages"], env=environment, stderr=subprocess.PIPE, text=True
    )


def test_a_held_lock_is_waited_for_and_then_the_packages_are_installed(machine):
    with (machine / "lists" / "lock").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        running = bootstrap(machine, 60)
        said = iter(running.stderr.readline, "")
        assert any("waiting for it" in line for line in said)
    threading.Thread(target=running.stderr.read, daemon=True).start()
    assert running.wait(60) == 0
    assert "chromium" in (machine / "told").read_text()


def test_a_lock_held_for_ever_ends_in_apts_own_words(machine):
    with (machine / "lists" / "lock").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        running = bootstrap(machine, 0)
        _, said = running.communicate(timeout=60)
    assert running.returncode != 0
    assert "Could not get lock" in said or "Unable to lock" in said
    assert not (machine / "told").exists()
