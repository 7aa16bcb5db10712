"""The inbox against the real engine and a real mail server: a bad file is set aside, told, and stops no other one."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from agro import doctor
from features.errors import StoreUnreachable
from features.store import Store
from flows import ingest, ports

DAY = (datetime.now(UTC) - timedelta(days=3)).isoformat()
GOOD = f"user_id,item_id,timestamp\nu,i,{DAY}\n"


@pytest.fixture
def inbox(store, storage, tmp_path, mail_server, monkeypatch):
    """An empty inbox; flow and tasks are plain functions here, without their server."""
    monkeypatch.setattr(ports, "connect_store", lambda: (store, storage))
    monkeypatch.setattr(ingest, "load_file", ingest.load_file.fn)
    monkeypatch.setattr(ingest, "empty_inbox", ingest.empty_inbox.fn)
    monkeypatch.setattr(ingest, "one_at_a_time", lambda name: nullcontext())
    monkeypatch.setenv("AGRO_TRAINING_INBOX", str(tmp_path / "inbox"))
    monkeypatch.setenv("AGRO_TRAINING_INBOX_SETTLE_S", "0")
    monkeypatch.setenv("AGRO_SMTP_PORT", str(mail_server.port))
    return tmp_path / "inbox"


def put(path, text=GOOD):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def lies_in(inbox):
    return sorted(str(path.relative_to(inbox)) for path in inbox.rglob("*") if path.is_file())


def bought(store):
    return sorted(store.arrow("SELECT product_id FROM product_events")["product_id"].to_pylist())


def run():
    return ingest.ingest.fn()


def test_a_bad_file_is_set_aside_with_its_reason_and_told_and_the_others_are_loaded(inbox, store, mail_server):
    put(inbox / "purchases" / "a.csv", "who,what\n1,2\n")
    put(inbox / "purchases" / "b.csv")
    put(inbox / "demand" / "c.xlsx", "no table")
    outcome = run()
    assert bought(store) == ["i"]
    assert lies_in(inbox) == [
        "done/purchases/b.csv",
        "refused/demand/c.xlsx",
        "refused/demand/c.xlsx.reason.txt",
        "refused/purchases/a.csv",
        "refused/purchases/a.csv.reason.txt",
    ]
    reason = (inbox / "refused/purchases/a.csv.reason.txt").read_text()
    assert "no column user_id" in reason
    assert [row["kind"] for row in outcome["refused"]] == ["purchases", "demand"]
    (mail,) = mail_server.mails().values()
    assert mail["Subject"] == "[AgroLogistic] inbox: 2 refused, 0 loaded with many rows rejected"
    text = mail.get_content()
    assert "purchases/a.csv was refused" in text and "no column user_id" in text and "demand/c.xlsx" in text
    assert run() == {"files": [], "refused": [], "mail": "0 sent"}


def test_a_mail_server_that_is_away_keeps_no_file_and_the_next_run_tells(inbox, mail_server):
    mail_server.stop()
    put(inbox / "purchases" / "a.csv", "who,what\n1,2\n")
    assert "kept in" in run()["mail"]
    assert "refused/purchases/a.csv" in lies_in(inbox)
    mail_server.start()
    assert run()["mail"] == "1 sent"
    assert len(mail_server.mails()) == 1


def test_a_file_with_many_rejected_rows_is_loaded_and_told(inbox, store, mail_server):
    put(inbox / "purchases" / "a.csv", f"{GOOD}u,j,never\n")
    outcome = run()
    assert bought(store) == ["i"] and outcome["refused"] == []
    assert lies_in(inbox) == ["done/purchases/a.csv"]
    (mail,) = mail_server.mails().values()
    assert "1 of 2 rows were rejected (50.0 %" in mail.get_content()


def test_folders_of_photographs_are_loaded_too(inbox, store):
    folder = inbox / "leaves" / "monday" / "bean__rust"
    folder.mkdir(parents=True)
    (inbox / "leaves" / "tuesday").mkdir()  # made, and still empty
    Image.new("RGB", (8, 8)).save(folder / "a.jpg")
    run()
    assert store.arrow("SELECT label FROM leaf_images")["label"].to_pylist() == ["bean__rust"]
    assert lies_in(inbox) == ["done/leaves/monday/bean__rust/a.jpg"]
    assert (inbox / "leaves" / "tuesday").is_dir()


def test_what_is_still_being_written_waits_for_the_next_run(inbox, store, monkeypatch):
    growing = put(inbox / "purchases" / "growing.csv")
    for name in (".hidden.csv", "upload.csv.part"):
        put(inbox / "purchases" / name)
    monkeypatch.setattr(ingest.time, "sleep", lambda seconds: growing.write_text(f"{GOOD}u,j,{DAY}\nu,k,20"))
    assert run()["files"] == []
    growing.write_text(f"{GOOD}u,j,{DAY}\n")
    monkeypatch.setattr(ingest.time, "sleep", lambda seconds: None)
    run()
    assert bought(store) == ["i", "j"]
    assert lies_in(inbox) == ["done/purchases/growing.csv", "purchases/.hidden.csv", "purchases/upload.csv.part"]


def test_a_second_file_of_the_same_name_does_not_replace_the_first(inbox):
    for text in (GOOD, f"{GOOD}u,j,{DAY}\n"):
        put(inbox / "purchases" / "a.csv", text)
        run()
    assert len(lies_in(inbox)) == 2


def test_a_store_that_is_away_is_no_fault_of_the_file(inbox, monkeypatch):
    put(inbox / "purchases" / "a.csv")

    def away(*_):
        raise StoreUnreachable("away")

    monkeypatch.setattr(Store, "insert", away)
    with pytest.raises(StoreUnreachable):
        run()
    assert lies_in(inbox) == ["purchases/a.csv"]


def test_a_folder_of_no_kind_is_set_aside_and_told_once_with_the_kinds_that_are_known(inbox, store, mail_server):
    put(inbox / "bananas" / "a.csv")
    put(inbox / "purchases.csv")
    put(inbox / "purchases" / "b.csv")
    (inbox / "made-just-now").mkdir()
    refused = run()["refused"]
    assert [row["kind"] for row in refused] == ["", ""]
    assert "'bananas' is not a kind of input; there are purchases, events, items" in refused[0]["reason"]
    assert bought(store) == ["i"]
    assert lies_in(inbox) == [
        "done/purchases/b.csv",
        "refused/bananas.reason.txt",
        "refused/bananas/a.csv",
        "refused/purchases.csv",
        "refused/purchases.csv.reason.txt",
    ]
    (mail,) = mail_server.mails().values()
    assert "- bananas was refused: 'bananas' is not a kind of input" in mail.get_content()
    assert run() == {"files": [], "refused": [], "mail": "0 sent"}


def test_a_link_is_not_followed(inbox, store, tmp_path, mail_server):
    elsewhere = put(tmp_path / "elsewhere" / "secret.csv")
    folder = put(inbox / "leaves" / "monday" / "bean__rust" / "a.txt", "").parent
    for link in (inbox / "purchases" / "a.csv", inbox / "demand", folder / "b.jpg"):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(elsewhere.parent if link.name == "demand" else elsewhere)
    (inbox / "purchases" / "dangling.csv").symlink_to(tmp_path / "nowhere")
    outcome = run()
    assert outcome["files"] == [] and bought(store) == []
    assert {row["reason"].split(":")[0] for row in outcome["refused"]} == {
        "a.csv is a symbolic link", "dangling.csv is a symbolic link", "demand is a symbolic link",
        "monday/bean__rust/b.jpg is a symbolic link",
    }  # fmt: skip
    assert elsewhere.read_text() == GOOD
    assert (inbox / "refused" / "purchases" / "a.csv").is_symlink()
    assert run()["refused"] == []


def test_what_is_set_aside_or_of_no_kind_shows_in_the_doctor(inbox):
    assert [finding.healthy for finding in doctor._inbox()] == [True]
    put(inbox / "purchases" / "a.csv", "who,what\n1,2\n")
    put(inbox / "bananas" / "b.csv")
    (waiting,) = doctor._inbox()
    assert not waiting.healthy and waiting.found == "bananas is of no kind"
    run()
    (aside,) = doctor._inbox()
    assert aside.found == f"2 set aside in {inbox / 'refused'}: bananas, purchases/a.csv"
    assert "put them into" in aside.remedy
