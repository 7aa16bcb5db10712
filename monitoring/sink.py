"""A mail server for one machine: takes every mail and writes it to a folder, sends nothing on.

`python -m monitoring.sink --host 127.0.0.1 --port 1025 --dir var/mail`
"""

import argparse
import errno
import hashlib
import logging
import signal
import socket
import sys
import threading
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from typing import Any

from base.files import DiskFull, write_whole
from base.home import home
from monitoring.errors import MonitoringError, PortTaken

log = logging.getLogger(__name__)
MOST_BYTES = 33_554_432


class Folder:
    """Writes each mail to a file of its own; the same Message-ID again replaces the file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        """Answer yes only when the mail is on the disk."""
        content = bytes(envelope.original_content)
        try:
            path = self.folder / file_name(content)
            write_whole(path, content)
        except (OSError, DiskFull) as exc:
            log.error("mail for %s not kept: %s", envelope.rcpt_tos, exc)
            return "452 4.3.1 no room to keep the mail, try again later"
        log.info("mail for %s in %s", ", ".join(envelope.rcpt_tos), path)
        return "250 2.0.0 kept"


def file_name(content: bytes) -> str:
    """A name from the subject, for people, and the Message-ID, so that a repeated mail is one file."""
    mail = message_from_bytes(content, policy=SMTP)
    identity = str(mail["Message-ID"] or "").encode() or content
    words = "".join(c if c.isalnum() else "-" for c in str(mail["Subject"] or "mail").lower())
    short = "-".join(word for word in words.split("-") if word)[:60]
    return f"{short}-{hashlib.sha256(identity).hexdigest()[:12]}.eml"


def start(host: str, port: int, folder: Path) -> Any:
    """Start the server in a thread.

    Returns:
        An aiosmtpd controller; `.stop()` ends it.

    Raises:
        PortTaken: Something else listens there.
    """
    from aiosmtpd.controller import Controller

    folder.mkdir(parents=True, exist_ok=True)
    _refuse_taken(host, port)
    controller = Controller(Folder(folder), hostname=host, port=port, data_size_limit=MOST_BYTES)
    controller.start()
    return controller


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
