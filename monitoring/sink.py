"""A mail server for one machine: takes every mail and writes it to a folder, sends nothing on.

`python -m monitoring.sink --host 127.0.0.1 --port 1025 --dir var/mail`
"""

import argparse
import asyncio
import errno
import hashlib
import logging
import os
import signal
import socket
import sys
import threading
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from typing import Any

from aiosmtpd import smtp
from aiosmtpd.controller import Controller

from base.files import DiskFull, write_whole
from base.home import home
from monitoring.errors import MonitoringError, PortTaken

log = logging.getLogger(__name__)
MOST_BYTES = 33_554_432
"""Of one mail."""
MOST_KEPT_BYTES = 1 << 30
MOST_KEPT = 10_000
"""Of all mails in the folder."""
MOST_CONNECTIONS = 10
IDLE_S = 60.0


class OneSession(smtp.SMTP):
    """A connection that ends with whoever speaks HTTP: a web page can make a browser send mail commands in a form.

    What came in the same packet as the word that ended it is not read either.
    """

    def __init__(self, handler: Any, sessions: set["OneSession"], **options: Any) -> None:
        super().__init__(handler, **options)
        self._sessions = sessions

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or hang up where too many are connected."""
        self._sessions.add(self)
        super().connection_made(transport)
        if len(self._sessions) > MOST_CONNECTIONS and isinstance(transport, asyncio.Transport):
            transport.write(b"421 4.3.2 too many connections, try again later\r\n")
            transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget a connection."""
        self._sessions.discard(self)
        super().connection_lost(error)

    async def push(self, status: Any) -> None:
        """Answer, unless the line is cut: then nothing more is read."""
        if self.transport is None or self.transport.is_closing():
            raise asyncio.CancelledError
        await super().push(status)

    async def hang_up(self, _: str | None) -> None:
        """Say goodbye to HTTP."""
        assert self.session is not None  # noqa: S101 - aiosmtpd's own promise
        log.warning("%s speaks HTTP to the mail server", self.session.peer)
        await self.push("421 4.7.0 this is a mail server")
        if self.transport is not None:
            self.transport.close()

    smtp_GET = smtp_HEAD = smtp_POST = smtp_PUT = smtp_DELETE = smtp_OPTIONS = smtp_PATCH = smtp_CONNECT = hang_up  # noqa: N815


class Server(Controller):
    """Listens, in a thread of its own."""

    def __init__(self, folder: "Folder", host: str, port: int) -> None:
        super().__init__(folder, hostname=host, port=port)
        self._sessions: set[OneSession] = set()

    def factory(self) -> OneSession:
        """A session for a new connection."""
        options = {"data_size_limit": MOST_BYTES, "timeout": IDLE_S, "hostname": "localhost", "enable_SMTPUTF8": True}
        return OneSession(self.handler, self._sessions, loop=self.loop, **options)


class Folder:
    """Writes each mail to a file of its own; the same Message-ID again replaces the file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def has_room(self, size: int) -> bool:
        """Whether a mail of that many bytes may be kept besides those that are."""
        kept = [entry.stat().st_size for entry in os.scandir(self.folder)]
        return len(kept) < MOST_KEPT and sum(kept) + size <= MOST_KEPT_BYTES

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        """Answer yes only when the mail is on the disk."""
        content = bytes(envelope.original_content)
        to = ", ".join(map(ascii, envelope.rcpt_tos))
        try:
            if not self.has_room(len(content)):
                raise DiskFull(f"{self.folder} is full; remove mails that nobody needs")
            path = self.folder / file_name(content)
            write_whole(path, content)
        except (OSError, DiskFull) as exc:
            log.error("mail for %s not kept: %s", to, exc)
            return "452 4.3.1 no room to keep the mail, try again later"
        log.info("mail for %s in %s", to, path)
        return "250 2.0.0 kept"


def file_name(content: bytes) -> str:
    """A name from the subject, for people, and the Message-ID, so that a repeated mail is one file."""
    mail = message_from_bytes(content, policy=SMTP)
    identity = str(mail["Message-ID"] or "").encode() or content
    words = "".join(c if c.isalnum() else "-" for c in str(mail["Subject"] or "mail").lower())
    short = "-".join(word for word in words.split("-") if word)[:60].encode()[:120].decode(errors="ignore")
    return f"{short}-{hashlib.sha256(identity).hexdigest()[:12]}.eml"


def start(host: str, port: int, folder: Path) -> Server:
    """Start the server in a thread; its `.stop()` ends it.

    Raises:
        PortTaken: Something else listens there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _refuse_taken(host, port)
    server = Server(Folder(folder), host, port)
    server.start()
    return server


def _refuse_taken(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                raise PortTaken(f"port {port} on {host} is taken; stop what listens there or choose another") from exc
            raise


def main(arguments: list[str] | None = None) -> int:
    """Take mail until SIGTERM or SIGINT; 0 then, 1 where the server could not start."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.sink", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1025)
    parser.add_argument("--dir", type=Path, default=home("mail"))
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells of every command
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        controller = start(chosen.host, chosen.port, chosen.dir)
    except (MonitoringError, OSError) as exc:
        log.error("%s", exc)
        return 1
    log.info("takes mail on %s:%s into %s", chosen.host, chosen.port, chosen.dir)
    stop.wait()
    controller.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
