import smtplib
import socket
import subprocess
import sys
import time

import pytest

from monitoring import sink
from monitoring.errors import PortTaken

MAIL = b"From: a@b.c\r\nTo: d@e.f\r\nSubject: Drift in price\r\nMessage-ID: <1@x>\r\n\r\nhello\r\n"


def test_a_file_is_named_for_people_and_for_the_mail():
    assert sink.file_name(MAIL).startswith("drift-in-price-") and sink.file_name(MAIL).endswith(".eml")
    assert sink.file_name(MAIL) != sink.file_name(MAIL.replace(b"<1@x>", b"<2@x>"))


def test_a_subject_cannot_lead_out_of_the_folder():
    assert "/" not in sink.file_name(MAIL.replace(b"Drift in price", b"../../etc/passwd"))


def test_a_port_that_is_taken_is_named(mail_server, tmp_path):
    with pytest.raises(PortTaken, match=f"port {mail_server.port} on 127.0.0.1 is taken"):
        sink.start("127.0.0.1", mail_server.port, tmp_path)


def test_a_sink_whose_disk_is_full_asks_to_try_again_later(mail_server, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sink, "write_whole", full)
    with smtplib.SMTP("127.0.0.1", mail_server.port) as client, pytest.raises(smtplib.SMTPDataError, match="452"):
        client.sendmail("a@b.c", ["d@e.f"], MAIL)


SMUGGLED = b"EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nSubject: smuggled\r\n\r\nhi\r\n.\r\n"


@pytest.mark.parametrize("first", [b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /\r\n", b"a\r\nb\r\nc\r\nd\r\ne\r\n"])
def test_whoever_speaks_another_language_is_cut_off_and_nothing_after_it_is_read(mail_server, first):
    """A page can make a browser send a form whose body is mail commands, all in one packet."""
    with socket.create_connection(("127.0.0.1", mail_server.port), timeout=20) as browser:
        browser.sendall(first + SMUGGLED)
        said = b"".join(iter(lambda: browser.recv(4096), b""))
    assert b"354" not in said
    assert mail_server.mails() == {}


def test_a_subject_of_any_letters_names_a_file_that_can_be_written(mail_server):
    mail = MAIL.replace(b"Drift in price", ("𝐀" * 80).encode())
    with smtplib.SMTP("127.0.0.1", mail_server.port) as client:
        client.sendmail("a@b.c", ["d@e.f"], mail, ["SMTPUTF8", "BODY=8BITMIME"])
    assert list(mail_server.mails()) == ["<1@x>"]


def test_no_more_connections_are_held_than_allowed_and_a_place_is_given_again(mail_server):
    held = [smtplib.SMTP("127.0.0.1", mail_server.port) for _ in range(sink.MOST_CONNECTIONS)]
    with pytest.raises(smtplib.SMTPConnectError, match="421"):
        smtplib.SMTP("127.0.0.1", mail_server.port)
    for client in held:
        client.quit()
    with smtplib.SMTP("127.0.0.1", mail_server.port) as client:
        client.sendmail("a@b.c", ["d@e.f"], MAIL)


@pytest.mark.parametrize(("limit", "value"), [("MOST_KEPT", 1), ("MOST_KEPT_BYTES", len(MAIL) + 10)])
def test_a_full_folder_takes_no_more_and_keeps_what_it_has(mail_server, monkeypatch, limit, value):
    monkeypatch.setattr(sink, limit, value)
    with smtplib.SMTP("127.0.0.1", mail_server.port) as client:
        client.sendmail("a@b.c", ["d@e.f"], MAIL)
        with pytest.raises(smtplib.SMTPDataError, match="452"):
            client.sendmail("a@b.c", ["d@e.f"], MAIL.replace(b"<1@x>", b"<2@x>"))
    assert list(mail_server.mails()) == ["<1@x>"]


def test_a_mail_over_the_limit_is_refused(mail_server, monkeypatch):
    monkeypatch.setattr(sink, "MOST_BYTES", 1000)
    with smtplib.SMTP("127.0.0.1", mail_server.port) as client, pytest.raises(smtplib.SMTPException, match="552"):
        client.sendmail("a@b.c", ["d@e.f"], MAIL + b"long\r\n" * 1000)


def test_the_program_takes_mail_until_it_is_told_to_stop(free_port, tmp_path):
    command = [sys.executable, "-m", "monitoring.sink", "--port", str(free_port), "--dir", str(tmp_path)]
    program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", free_port)) == 0:
                    break
            time.sleep(0.05)
        with smtplib.SMTP("127.0.0.1", free_port) as client:
            client.sendmail("a@b.c", ["d@e.f"], MAIL)
        assert [path.read_bytes() for path in tmp_path.glob("*.eml")] == [MAIL]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert second.returncode == 1
        assert "is taken" in second.stderr and "Traceback" not in second.stderr
    finally:
        program.terminate()
        assert program.wait(10) == 0
