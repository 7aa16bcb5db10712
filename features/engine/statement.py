"""Tell a statement from the bytes that follow it in one HTTP body."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_SKIP = rb"""'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*"|--[^\n]*|/\*.*?\*/"""
_TOKEN = re.compile(rb"(?s)" + _SKIP + rb"|(?i:\bFORMAT\s+(\w+)|\b(SELECT|WITH|VALUES|WATCH)\b)")
_LEADING = re.compile(rb"(?s)(?:\s|--[^\n]*\n|/\*.*?\*/)*(\w+)")
_LAST_FORMAT = re.compile(r"(?i)\bFORMAT\s+(\w+)\s*;?\s*$")
_OUTSIDE = """
    file fileCluster url urlCluster s3 s3Cluster gcs hdfs hdfsCluster azureBlobStorage azureBlobStorageCluster remote
    remoteSecure cluster clusterAllReplicas mysql postgresql mongodb redis sqlite odbc jdbc executable executablePool
    iceberg icebergS3 icebergLocal icebergAzure icebergCluster deltaLake deltaLakeLocal deltaLakeCluster hudi
    hudiCluster paimon arrowFlight ytsaurus kafka rabbitmq nats s3queue filelog input python disk catboostEvaluate
""".split()
_FILES = re.compile(rb"(?i)\b(outfile|infile)\b")
_REACHES_OUT = re.compile(rb"(?i)\b(" + "|".join(_OUTSIDE).encode() + rb")[`\"]?(?:\s|/\*.*?\*/)*\(")
_GAP = rb"(?:\s|/\*.*?\*/|--[^\n]*\n)*"
_MAKES = re.compile(rb"(?i)\b(?:create|attach|replace)\b")
_ENGINE = re.compile(rb"(?is)\bengine\b" + _GAP + rb"=?" + _GAP + rb"[`\"]?(\w+)")
_OWN_ENGINES = re.compile(rb"(?i)\w*MergeTree|Atomic|Memory|Null|\w*View")
_DICTIONARY = re.compile(rb"(?i)\b(dictionary)\b")
_STOPS = re.compile(rb"(?is)\bsystem\b" + _GAP + rb"(shutdown|kill)\b")
_ANSWERING = frozenset({"SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK"})


@dataclass(frozen=True)
class Rows:
    """Rows that came with a statement, which reads them as a table of that name."""

    name: str
    structure: str
    format: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Request:
    """A statement with all that came with it."""

    statement: bytes
    params: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    database: str = "default"
    default_format: str = "TabSeparated"
    rows: tuple[Rows, ...] = ()
    query_id: str = ""


@dataclass(frozen=True)
class Insert:
    """An INSERT whose rows follow as bytes in a format."""

    head: str
    format: str
    data: bytes


def first_word(body: bytes) -> str:
    r"""The statement's first word in capitals, empty where there is none.

    >>> first_word(b"/* why */ -- so\n select 1")
    'SELECT'
    """
    match = _LEADING.match(body)
    return match[1].decode("latin-1").upper() if match else ""


def answers(body: bytes) -> bool:
    """Whether the statement has rows to answer with, be they none."""
    return first_word(body) in _ANSWERING


def reaches_out(sql: bytes) -> str:
    r"""The word by which a statement would read or write outside of the database; empty where there is none.

    Words inside quotes count too: what a text says travels as a parameter, and telling quotes apart as the engine does
    cannot be got right here.

    >>> reaches_out(b"SELECT 1 INTO OUTFILE 'x'"), reaches_out(b"SELECT * FROM url ('http://x')")
    ('OUTFILE', 'url')
    >>> reaches_out(b"SELECT file FROM t WHERE url = 'x'")
    ''
    >>> reaches_out(b"CREATE DATABASE d ENGINE Filesystem('/')"), reaches_out(b"CREATE TABLE t ENGINE=MergeTree")
    ('Filesystem', '')
    """
    match = _FILES.search(sql) or _REACHES_OUT.search(sql) or _STOPS.search(sql)
    if match is None and _MAKES.search(sql):
        foreign = (found for found in _ENGINE.finditer(sql) if not _OWN_ENGINES.fullmatch(found[1]))
        match = next(foreign, None) or _DICTIONARY.search(sql)
    return match[1].decode() if match else ""


def last_format(sql: str) -> str | None:
    r"""The format a query asks for at its end.

    >>> last_format("SELECT 1\n FORMAT Native")
    'Native'
    """
    match = _LAST_FORMAT.search(sql)
    return match[1] if match else None


def split_insert(body: bytes) -> Insert | None:
    r"""Split ``INSERT INTO t (a) FORMAT Native\n<bytes>``; None where no bytes follow a format.

    Words inside quotes and comments do not count, and an INSERT that selects has no bytes.

    >>> split_insert(b"INSERT INTO t (`FORMAT x`) FORMAT CSV\n1,2")
    Insert(head='INSERT INTO t (`FORMAT x`)', format='CSV', data=b'1,2')
    """
    if first_word(body[:4096]) != "INSERT":
        return None
    for token in _TOKEN.finditer(body):
        if token[2]:
            return None
        if token[1]:
            head = body[: token.start()].decode("utf-8").strip()
            return Insert(head, token[1].decode(), _after_newline(body, token.end()))
    return None


def _after_newline(body: bytes, start: int) -> bytes:
    newline = body.find(b"\n", start, start + 64)
    if newline >= 0 and not body[start:newline].strip():
        return body[newline + 1 :]
    return body[start:].lstrip(b" ") if body[start : start + 1] == b" " else body[start:]
