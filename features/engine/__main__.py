"""Own a folder of ClickHouse files and serve it until told to stop."""

import argparse
import fcntl
import ipaddress
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from features.engine.callers import Account
from features.engine.database import Database
from features.engine.http import Server
from features.settings import ClickHouseSettings

log = logging.getLogger("features.engine")

_LONGEST_DRAIN_S = 20.0


class CannotStart(Exception):  # not a features error: it ends this process
    """The engine cannot start; the message is one line with a remedy."""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 0 after a clean stop, 1 where it cannot start."""
    args = _arguments(argv)
    logging.basicConfig(level=args.log_level.upper(), stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    try:
        _serve(args)
    except CannotStart as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m features.engine", description=__doc__)
    parser.add_argument("--path", type=Path, required=True, help="folder of the database")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--max-connections", type=int, default=256)
    parser.add_argument("--max-body-mb", type=int, default=1024, help="largest statement with its rows")
    parser.add_argument("--wait-s", type=float, default=300.0, help="longest wait for a turn")
    parser.add_argument("--log-level", default="info")
    return parser.parse_args(argv)


def _serve(args: argparse.Namespace) -> None:
    server = _listen(args)
    with server, _own(args.path):
        try:
            database = Database(args.path, args.wait_s)
        except RuntimeError as exc:
            text = str(exc).splitlines()[0]
            raise CannotStart(f"The database in {args.path} cannot be opened: {text}") from None
        server.database = database
        _stop_on_signals(server)
        log.info("ClickHouse answers at http://%s:%d from %s", args.host, server.server_address[1], args.path)
        server.serve_forever(poll_interval=0.1)
        server.drain(_LONGEST_DRAIN_S)
        database.close()
    log.info("ClickHouse stopped")


def _listen(args: argparse.Namespace) -> Server:
    if not _is_loopback(args.host):
        raise CannotStart(f"{args.host} is not a loopback address: the embedded engine has no TLS; use 127.0.0.1")
    try:
        return Server((args.host, args.port), _account(), args.max_connections, args.max_body_mb << 20)
    except OSError as exc:
        remedy = "stop the program that has it, or choose another with AGRO_CLICKHOUSE_PORT"
        raise CannotStart(f"ClickHouse cannot listen on {args.host}:{args.port} ({exc.strerror}): {remedy}") from None


def _account() -> Account:
    """The user and password of the settings, by which its clients ask, too."""
    settings = ClickHouseSettings()
    password = settings.password.get_secret_value()
    if not password:
        remedy = "unset it, and one is made in AGRO_HOME/secrets, or set one"
        raise CannotStart(f"The embedded engine asks for a password, and AGRO_CLICKHOUSE_PASSWORD is empty: {remedy}")
    return Account(settings.user, password)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _own(path: Path) -> IO[str]:
    """Lock the folder for this process; the lock ends with the process, however it ends."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        owner = (path / "owner.pid").open("a+")
    except OSError as exc:
        raise CannotStart(f"The database folder {path} cannot be used: {exc.strerror}") from None
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner.seek(0)
        pid = owner.read().strip() or "unknown"
        owner.close()
        raise CannotStart(
            f"The database in {path} is open in process {pid}: stop it (`agro down`), or use it"
        ) from None
    owner.truncate(0)
    owner.write(str(os.getpid()))
    owner.flush()
    return owner


def _stop_on_signals(server: Server) -> None:
    def stop(signum: int, frame: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


if __name__ == "__main__":
    sys.exit(main())
