"""ClickHouse's HTTP interface over one database: enough of it for its own clients."""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from features.engine.body import TooLarge, decoded, read_body, read_form
from features.engine.callers import ACCESS_DENIED, Account, check_caller, check_host
from features.engine.database import Answer, Database
from features.engine.refusals import Refused, refused
from features.engine.statement import Request, Rows, first_word

log = logging.getLogger(__name__)

_TRANSPORT = frozenset(
    {
        "database", "query", "query_id", "session_id", "session_timeout", "session_check", "user", "password",
        "quota_key", "default_format", "compress", "decompress", "wait_end_of_query", "buffer_size",
        "client_protocol_version", "role", "send_progress_in_http_headers", "http_headers_progress_interval_ms",
        "enable_http_compression", "cancel_http_readonly_queries_on_client_close",
    }
)  # fmt: skip
_STATUS = {60: 404, 81: 404, 46: 404, 62: 400, 47: 400, 115: 404, 202: 503, 497: 403, 516: 403, 241: 500, 243: 500}
_EMPTY_QUERY = 62
_BAD_ARGUMENTS = 36
_READONLY = 164
_READS = frozenset({"SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK"})


class Server(ThreadingHTTPServer):
    """A bounded thread per connection over one database."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(
        self, address: tuple[str, int], account: Account, max_connections: int = 256, max_body: int = 1 << 30
    ) -> None:
        super().__init__(address, Handler)
        self.database: Database | None = None
        self.account = account
        self.max_body = max_body
        self._places = threading.BoundedSemaphore(max_connections)
        self._at_work = 0
        self._idle = threading.Condition()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread, or hang up where none is free."""
        if not self._places.acquire(timeout=5):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    @contextmanager
    def work(self) -> Iterator[None]:
        """One request, from its statement to the last byte of its answer."""
        with self._idle:
            self._at_work += 1
        try:
            yield
        finally:
            with self._idle:
                self._at_work -= 1
                self._idle.notify_all()

    def drain(self, longest_s: float) -> None:
        """Wait until every request that is under way has its answer."""
        with self._idle:
            self._idle.wait_for(lambda: not self._at_work, longest_s)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is not an event."""
        log.debug("connection from %s ended early", client_address, exc_info=True)


class Handler(BaseHTTPRequestHandler):
    """Answer `/ping` and statements."""

    protocol_version = "HTTP/1.1"
    server_version = "AgroLogisticClickHouse"
    timeout = 600
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def do_GET(self) -> None:
        """`/ping`, which asks for no password, or a query that only reads."""
        if urlsplit(self.path).path not in ("/ping", "/replicas_status"):
            self._serve()
        elif self._admitted(check_host, self.headers):
            self._send(200, b"Ok.\n", {})

    def do_POST(self) -> None:
        """A statement."""
        self._serve()

    def handle_expect_100(self) -> bool:
        """Whoever asks before sending a body is looked at before it is asked for."""
        return self._admitted(check_caller, self.headers, self._arguments(), self.server.account) and (
            super().handle_expect_100()
        )

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """One line a request, for those who ask for it; without the query, which may carry the password."""
        log.debug("%s %s %s", self.command, urlsplit(self.path).path, code)

    def log_message(self, format: str, *args: Any) -> None:
        """What the base class has to say goes where the rest goes."""
        log.debug(format, *args)

    def _admitted(self, check: Callable[..., None], *given: Any) -> bool:
        """Whether the caller may go on; one who may not is told so, and nothing more is read from it."""
        try:
            check(*given)
        except Refused as exc:
            self.close_connection = True
            headers = {"X-ClickHouse-Exception-Code": str(exc.code), "Connection": "close"}
            self._send(_STATUS.get(exc.code, 500), exc.text.encode("utf-8", "replace") + b"\n", headers)
            return False
        return True

    def _arguments(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))

    def _serve(self) -> None:
        args, query_id = self._arguments(), ""
        if not self._admitted(check_caller, self.headers, args, self.server.account):
            return
        try:
            request = self._read(args)
            query_id = request.query_id
            with self.server.work():
                self._send_answer(self._run(request), query_id)
        except Refused as exc:
            headers = {"X-ClickHouse-Exception-Code": str(exc.code), "X-ClickHouse-Query-Id": query_id}
            self._send(_STATUS.get(exc.code, 500), exc.text.encode("utf-8", "replace") + b"\n", headers)
        except TooLarge as exc:
            self.close_connection = True
            self._send(413, f"Code: 307. DB::Exception: {exc}\n".encode(), {"X-ClickHouse-Exception-Code": "307"})

    def _read(self, args: dict[str, str]) -> Request:
        body = read_body(self.rfile, self.headers, self.server.max_body)
        form = read_form(body, self.headers.get("Content-Type", ""))
        if form is not None:
            return _request(args | form.fields, b"", form.files)
        return _request(args, decoded(body, self.headers.get("Content-Encoding"), self.server.max_body), {})

    def _run(self, request: Request) -> Answer:
        if not request.statement.strip():
            raise refused(_EMPTY_QUERY, "Empty query")
        if self.command == "GET" and first_word(request.statement) not in _READS:
            raise refused(_READONLY, "GET only reads; use POST")
        if self.server.database is None:
            raise refused(ACCESS_DENIED, "The engine is starting")
        return self.server.database.read(request) if self.command == "GET" else self.server.database.run(request)

    def _send_answer(self, answer: Answer, query_id: str) -> None:
        headers = {
            "X-ClickHouse-Query-Id": query_id,
            "X-ClickHouse-Timezone": "UTC",
            "X-ClickHouse-Summary": json.dumps(answer.summary),
        }
        if answer.format is not None:
            headers["X-ClickHouse-Format"] = answer.format
        self._send(200, answer.body, headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def _request(args: dict[str, str], body: bytes, files: dict[str, bytes]) -> Request:
    head = args.get("query", "").encode()
    of_files = {f"{name}_{what}" for name in files for what in ("structure", "types", "format")}
    return Request(
        statement=head + b"\n" + body if head and body else head or body,
        params={key[6:]: value for key, value in args.items() if key.startswith("param_")},
        settings={k: v for k, v in args.items() if k not in _TRANSPORT | of_files and not k.startswith("param_")},
        database=args.get("database") or "default",
        default_format=args.get("default_format") or "TabSeparated",
        rows=tuple(_rows(args, name, data) for name, data in files.items()),
        query_id=args.get("query_id") or str(uuid.uuid4()),
    )


def _rows(args: dict[str, str], name: str, data: bytes) -> Rows:
    if f"{name}_structure" not in args:
        raise refused(_BAD_ARGUMENTS, f"Rows come as {name!r} without their columns: send {name}_structure")
    return Rows(name, args[f"{name}_structure"], args.get(f"{name}_format", "TabSeparated"), data)
