import errno
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from base.files import DiskFull, create_whole, put, whole, write_whole


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_place_when_it_is_whole_and_its_folder_is_made(tmp_path):
    path = tmp_path / "a" / "b" / "figures.json"
    with whole(path) as draft:
        draft.write_text("half")
        assert not path.exists()
        draft.write_text("whole")
    assert path.read_text() == "whole"
    assert names(path.parent) == ["figures.json"]


def test_what_fails_leaves_what_was_there_and_nothing_of_itself(tmp_path):
    path = tmp_path / "figures.json"
    write_whole(path, b"old")
    with pytest.raises(RuntimeError), whole(path) as draft:
        draft.write_text("half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["figures.json"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_line_that_names_the_file(tmp_path, code):
    path = tmp_path / "figures.json"
    with pytest.raises(DiskFull, match=r"no room on the disk for .*figures\.json"), whole(path):
        raise OSError(code, "No space left on device")
    assert names(tmp_path) == []


def test_another_fault_of_the_disk_stays_what_it_is(tmp_path):
    with pytest.raises(PermissionError), whole(tmp_path / "a"):
        raise PermissionError(errno.EACCES, "no")


@pytest.mark.parametrize(("durable", "flushes"), [(True, 2), (False, 0)])
def test_only_what_must_outlive_a_power_cut_waits_for_the_disk(tmp_path, monkeypatch, durable, flushes):
    flushed = []
    monkeypatch.setattr("base.files.os.fsync", flushed.append)
    write_whole(tmp_path / "a", b"x", durable=durable)
    assert len(flushed) == flushes


def test_a_file_is_its_owners_alone(tmp_path):
    write_whole(tmp_path / "a", b"x")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_of_all_who_create_a_file_at_once_one_is_first(tmp_path):
    path = tmp_path / "secret"
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: create_whole(path, b"%02d" % n * 1000), range(64)))
    first = path.read_bytes()
    assert first == first[:2] * 1000
    create_whole(path, b"later")
    assert path.read_bytes() == first
    assert names(tmp_path) == ["secret"]


def test_a_folder_takes_the_place_of_another_whole(tmp_path):
    for name in ("new", "place"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    put(tmp_path / "new", tmp_path / "place", aside=tmp_path / "old")
    assert names(tmp_path) == ["old", "place"]
    assert (names(tmp_path / "place"), names(tmp_path / "old")) == (["new"], ["place"])


def test_a_folder_that_is_new_makes_the_folders_above_it(tmp_path):
    (tmp_path / "new").mkdir()
    put(tmp_path / "new", tmp_path / "a" / "b")
    assert names(tmp_path / "a") == ["b"]


WRITES = """
import sys
from pathlib import Path
from base.files import write_whole
path, size = Path(sys.argv[1]), 4_000_000
while True:
    for letter in b"abcdef":
        write_whole(path, bytes([letter]) * size)
        print(letter, flush=True)
"""


def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path):
    path = tmp_path / "figures.bin"
    for wait in (1, 3, 4):
        writer = subprocess.Popen([sys.executable, "-c", WRITES, str(path)], stdout=subprocess.PIPE, env=os.environ)
        for _ in range(wait):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        content = path.read_bytes()
        assert len(content) == 4_000_000 and len(set(content)) == 1
