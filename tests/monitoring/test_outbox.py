import errno
import multiprocessing
import os
import signal
import smtplib
from email.message import EmailMessage

import pytest

from base.files import DiskFull
from monitoring.errors import MailRefused, MailServerUnreachable
from monitoring.outbox import Outbox, SmtpTransport
from monitoring.settings import MailSettings


def letter(n):
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = f"week {n}", "us@farm.example", "you@farm.example"
    mail["Message-ID"] = f"<week-{n}@farm.example>"
    mail.set_content(f"This is week {n}, with a letter é and a line of dots:\n...\n")
    return mail


def settings_for(server, tmp_path, **changes):
    return MailSettings(port=server.port, outbox=tmp_path / "outbox", timeout_s=3, **changes)


@pytest.fixture
def outbox(mail_server, tmp_path):
    return Outbox(settings_for(mail_server, tmp_path))


def test_a_mail_arrives_as_it_was_written_and_leaves_the_outbox(outbox, mail_server):
    delivery = outbox.post(letter(1))
    assert delivery.sent == ("<week-1@farm.example>",) and delivery.kept == 0
    arrived = mail_server.mails()["<week-1@farm.example>"]
    assert arrived.get_content().split() == letter(1).get_content().split()
    assert outbox.waiting() == []


def test_a_mail_is_kept_while_the_server_is_away_and_the_next_run_sends_it_first(outbox, mail_server, tmp_path):
    mail_server.stop()
    with pytest.raises(MailServerUnreachable, match=r"127.0.0.1:\d+ cannot be used .*1 mail is kept in .*next run"):
        outbox.post(letter(1))
    mail_server.start()
    next_run = Outbox(settings_for(mail_server, tmp_path))
    assert next_run.post(letter(2)).sent == ("<week-1@farm.example>", "<week-2@farm.example>")
    assert len(mail_server.mails()) == 2


def test_a_mail_that_was_sent_is_not_sent_again(outbox, mail_server):
    outbox.post(letter(1))
    for path in mail_server.folder.glob("*.eml"):
        path.unlink()
    assert outbox.post(letter(1)).sent == ()
    assert mail_server.mails() == {}


def test_a_mail_kept_twice_waits_once(outbox):
    outbox.put(letter(1))
    outbox.put(letter(1))
    assert len(outbox.waiting()) == 1


class Dying:
    """Kills the process where the mail would be handed over, or just after."""

    def __init__(self, settings, after):
        self.settings, self.after = settings, after

    def send(self, mail):
        if self.after:
            SmtpTransport(self.settings).send(mail)
        os.kill(os.getpid(), signal.SIGKILL)


def die_sending(settings, after):
    Outbox(settings, Dying(settings, after)).post(letter(1))


@pytest.mark.parametrize("after", [False, True])
def test_a_run_killed_while_sending_loses_nothing_and_the_reader_has_one_mail(mail_server, tmp_path, after):
    settings = settings_for(mail_server, tmp_path)
    run = multiprocessing.get_context("fork").Process(target=die_sending, args=(settings, after))
    run.start()
    run.join(20)
    assert run.exitcode == -signal.SIGKILL
    assert Outbox(settings).send().sent == ("<week-1@farm.example>",)
    assert list(mail_server.mails()) == ["<week-1@farm.example>"]  # the same Message-ID, so one file
    assert len(list(mail_server.folder.glob("*.eml"))) == 1


def test_a_run_killed_between_the_note_and_the_removal_sends_nothing_twice(outbox, mail_server):
    path = outbox.put(letter(1))
    content = path.read_bytes()
    outbox.send()
    path.write_bytes(content)
    for arrived in mail_server.folder.glob("*.eml"):
        arrived.unlink()
    outbox.send()
    assert mail_server.mails() == {} and outbox.waiting() == []


class Refusing:
    """Takes every mail but those of week 1."""

    def __init__(self):
        self.taken = []

    def send(self, mail):
        if "week 1" in mail["Subject"]:
            raise MailRefused("mail server refuses this mail (550 no)")
        self.taken.append(mail["Subject"])


def test_a_mail_refused_for_good_is_set_aside_and_does_not_hold_up_the_others(tmp_path):
    transport = Refusing()
    outbox = Outbox(MailSettings(outbox=tmp_path), transport)
    outbox.put(letter(1))
    with pytest.raises(MailRefused, match=r"550 no.*the mail lies in .*refused"):
        outbox.post(letter(2))
    assert transport.taken == ["week 2"] and outbox.waiting() == []
    assert len(list((tmp_path / "refused").glob("*.eml"))) == 1


def test_a_full_disk_is_one_clear_line_and_leaves_no_half_mail(outbox, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("base.files.os.fsync", full)
    with pytest.raises(DiskFull, match=r"no room on the disk for .*free some and run again"):
        outbox.post(letter(1))
    assert [path for path in outbox.folder.rglob("*") if path.is_file()] == []


def test_a_server_without_encryption_is_told_apart_from_one_that_is_away(mail_server, tmp_path):
    outbox = Outbox(settings_for(mail_server, tmp_path, tls="starttls"))
    with pytest.raises(MailServerUnreachable, match="AGRO_SMTP_TLS"):
        outbox.post(letter(1))
    assert len(outbox.waiting()) == 1


def test_a_password_is_never_sent_in_clear_text_to_another_machine():
    settings = MailSettings(host="mail.farm.example", user="us", password="s3cret-word")
    with pytest.raises(MailServerUnreachable, match="not sent in clear text") as caught:
        SmtpTransport(settings)._login(smtplib.SMTP())
    assert "s3cret-word" not in str(caught.value)


class Login:
    """Checks one user's password."""

    def __call__(self, server, session, envelope, mechanism, data):
        from aiosmtpd.smtp import AuthResult

        return AuthResult(success=(data.login, data.password) == (b"us", b"right"), handled=False)


@pytest.fixture
def guarded_port(free_port, tmp_path):
    from aiosmtpd.controller import Controller

    from monitoring.sink import Folder

    controller = Controller(
        Folder(tmp_path / "arrived"),
        hostname="127.0.0.1",
        port=free_port,
        authenticator=Login(),
        auth_required=True,
        auth_require_tls=False,
    )
    controller.start()
    yield free_port
    controller.stop()


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_login_opens_a_server_that_wants_one_and_a_wrong_one_names_the_settings(guarded_port, tmp_path):
    given = {"port": guarded_port, "outbox": tmp_path / "outbox", "user": "us"}
    with pytest.raises(MailServerUnreachable, match="refused the login; check AGRO_SMTP_USER and AGRO_SMTP_PASSWORD"):
        Outbox(MailSettings(**given, password="wrong")).post(letter(1))
    assert len(Outbox(MailSettings(**given, password="right")).send().sent) == 1


class Choosy:
    """Answers recipients with a code of its own."""

    code = "550 5.1.1 unknown here"

    async def handle_RCPT(self, server, session, envelope, address, options):
        return self.code


@pytest.mark.parametrize(
    ("code", "error"), [("550 5.1.1 unknown here", MailRefused), ("451 4.3.0 busy", MailServerUnreachable)]
)
def test_later_means_keep_and_never_means_set_aside(free_port, tmp_path, code, error):
    from aiosmtpd.controller import Controller

    handler = Choosy()
    handler.code = code
    controller = Controller(handler, hostname="127.0.0.1", port=free_port)
    controller.start()
    try:
        outbox = Outbox(MailSettings(port=free_port, outbox=tmp_path / "outbox"))
        with pytest.raises(error, match=code[:3]):
            outbox.post(letter(1))
        assert len(outbox.waiting()) == (0 if error is MailRefused else 1)
    finally:
        controller.stop()


def test_a_file_that_is_no_mail_is_set_aside_and_holds_up_no_other(mail_server, tmp_path):
    outbox = Outbox(MailSettings(port=mail_server.port, outbox=tmp_path / "outbox"))
    outbox.put(letter(1))
    (tmp_path / "outbox" / "aaa.eml").write_text("garbage\n")
    with pytest.raises(MailRefused, match="names no sender"):
        outbox.send()
    assert len(mail_server.mails()) == 1
    assert [path.name for path in (tmp_path / "outbox" / "refused").iterdir()] == ["aaa.eml"]
