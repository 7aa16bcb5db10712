"""Mail on its way: on disk before it is sent, off the disk only when the server has taken it.

A server that is away costs nothing but time: the mail waits and the next run sends it first. A mail the server took is
remembered by its Message-ID, so composing it again sends nothing. If the machine dies in the instant between the
server's yes and that note, the mail goes out once more with the same Message-ID, by which mail programs fold doubles;
SMTP offers no better.
"""

import fcntl
import hashlib
import logging
import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from base.files import sync_folder, write_whole
from monitoring.errors import MailError, MailRefused, MailServerUnreachable
from monitoring.settings import MailSettings

log = logging.getLogger(__name__)
REMEMBERED_DAYS = 90
PERMANENT = 500
"""SMTP codes from here on will not change by trying again."""


@dataclass(frozen=True)
class Delivery:
    """What one run of the outbox did."""

    sent: tuple[str, ...]
    """Message-IDs the server took, oldest first."""
    kept: int
    """Mails still waiting."""


class Transport(Protocol):
    """Hands one mail to a server."""

    def send(self, mail: EmailMessage) -> None:
        """Return when the server has taken the mail; raise MailError otherwise."""


class Outbox:
    """A folder of mails that are waiting to be sent."""

    def __init__(self, settings: MailSettings, transport: Transport | None = None) -> None:
        self.folder = settings.outbox
        self.transport = transport or SmtpTransport(settings)

    def put(self, mail: EmailMessage) -> Path | None:
        """Keep a mail to be sent.

        Returns:
            The file it waits in; None where this very mail (by Message-ID) was sent already.

        Raises:
            DiskFull: There is no room to keep it.
        """
        name = _name(mail)
        if (self.folder / "sent" / name).exists():
            return None
        waiting = next(self.folder.glob(f"*-{name}.eml"), None)
        path = waiting or self.folder / f"{time.time_ns():020d}-{name}.eml"
        write_whole(path, mail.as_bytes())
        return path

    def waiting(self) -> list[Path]:
        """Files of the mails that wait, oldest first."""
        return sorted(self.folder.glob("*.eml"))

    def send(self) -> Delivery:
        """Send what waits, oldest first.

        Raises:
            MailServerUnreachable: The server is away; this mail and all after it are kept.
            MailRefused: The server will never take one of the mails; it was moved to `refused/`, the others were sent.
        """
        sent: list[str] = []
        refused: list[str] = []
        with self._alone():
            for path in self.waiting():
                mail = message_from_bytes(path.read_bytes(), policy=SMTP)
                if self._send_one(path, mail, refused):
                    sent.append(str(mail["Message-ID"]))
        if refused:
            raise MailRefused("; ".join(refused))
        return Delivery(tuple(sent), len(self.waiting()))

    def post(self, mail: EmailMessage) -> Delivery:
        """Keep a mail, then send everything that waits.

        Raises:
            DiskFull, MailServerUnreachable, MailRefused: As `put` and `send`.
        """
        self.put(mail)
        return self.send()

    def _send_one(self, path: Path, mail: EmailMessage, refused: list[str]) -> bool:
        done = self.folder / "sent" / _name(mail)
        try:
            if not done.exists():  # killed between the note and the removal: the server has it
                self.transport.send(mail)
        except MailRefused as exc:
            aside = self.folder / "refused" / path.name
            aside.parent.mkdir(exist_ok=True)
            path.replace(aside)
            refused.append(f"{exc}; the mail lies in {aside}")
            return False
        except MailServerUnreachable as exc:
            n = len(self.waiting())
            raise MailServerUnreachable(
                f"{exc}; {n} {'mail is' if n == 1 else 'mails are'} kept in {self.folder}, the next run sends them"
            ) from exc
        write_whole(done, b"")
        path.unlink(missing_ok=True)
        sync_folder(self.folder)
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two runs at once would both send the same mails; the second waits for the first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._forget_old()
            yield

    def _forget_old(self) -> None:
        oldest = time.time() - REMEMBERED_DAYS * 86_400
        for note in (self.folder / "sent").glob("*"):
            if note.stat().st_mtime < oldest:
                note.unlink(missing_ok=True)


def _name(mail: EmailMessage) -> str:
    return hashlib.sha256(str(mail["Message-ID"]).encode()).hexdigest()[:24]


class SmtpTransport:
    """Sends by SMTP, encrypted and with a login where the settings say so."""

    def __init__(self, settings: MailSettings) -> None:
        self.settings = settings

    def send(self, mail: EmailMessage) -> None:
        """Hand over one mail.

        Raises:
            MailServerUnreachable: No connection, no encryption, no login, or "try again later".
            MailRefused: The server will never take this mail.
        """
        where = f"mail server {self.settings.host}:{self.settings.port}"
        if not mail.get("To") or not mail.get("From"):
            raise MailRefused("this is no mail: it names no sender or nobody to send it to")
        try:
            with self._connect() as server:
                unreached = server.send_message(mail)
        except smtplib.SMTPAuthenticationError as exc:
            raise MailServerUnreachable(
                f"{where} refused the login; check AGRO_SMTP_USER and AGRO_SMTP_PASSWORD"
            ) from exc
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as exc:
            raise _refusal(where, exc) from exc
        except (OSError, smtplib.SMTPException) as exc:
            raise MailServerUnreachable(
                f"{where} cannot be used ({exc}); start it or set AGRO_SMTP_HOST, AGRO_SMTP_PORT and AGRO_SMTP_TLS"
            ) from exc
        for address, (code, reason) in unreached.items():
            log.warning("%s did not take the mail for %s: %s %r", where, address, code, reason)

    def _connect(self) -> smtplib.SMTP:
        s = self.settings
        safe = ssl.create_default_context()
        if s.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(s.host, s.port, timeout=s.timeout_s, context=safe)
        else:
            server = smtplib.SMTP(s.host, s.port, timeout=s.timeout_s)
        try:
            if s.tls == "starttls":
                server.starttls(context=safe)
            if s.user:
                self._login(server)
        except BaseException:
            server.close()
            raise
        return server

    def _login(self, server: smtplib.SMTP) -> None:
        if self.settings.tls == "none" and not _on_this_machine(self.settings.host):
            raise MailServerUnreachable(
                f"a password is not sent in clear text to {self.settings.host}; set AGRO_SMTP_TLS to starttls or tls"
            )
        server.login(self.settings.user, self.settings.password.get_secret_value())


def _on_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refusal(where: str, exc: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused) -> MailError:
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        code, said = min(exc.recipients.values(), key=lambda answer: answer[0])  # one may still come true
        who = ", ".join(exc.recipients)
    else:
        code, said, who = (
            exc.smtp_code,
            str(exc.smtp_error).encode() if isinstance(exc.smtp_error, str) else exc.smtp_error,
            "this mail",
        )
    words = said.decode(errors="replace")
    if code < PERMANENT:
        return MailServerUnreachable(f"{where} asked to try again later ({code} {words})")
    return MailRefused(f"{where} refuses {who} ({code} {words}); check AGRO_SMTP_SENDER and AGRO_SMTP_RECIPIENTS")
