"""The mail about a check: composed here, sent elsewhere."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from monitoring.result import DriftResult
from monitoring.settings import MailSettings
from monitoring.templates import render

PICTURE_ID = "drift-picture"
DOMAIN = "agrologistic.local"
MOST_ATTACHED_BYTES = 10_000_000
"""Many servers refuse a message of more than 20 MB; a larger report stays on disk."""


@dataclass(frozen=True)
class Occasion:
    """Which check a mail is about."""

    model: str
    """The registered model whose training set was the reference."""
    week: str
    """The period that was judged, in words."""
    key: str = ""
    """What else makes this mail the same mail when the check is made again: the version; time of day if empty."""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When the check was made."""


def wanted(result: DriftResult, settings: MailSettings) -> bool:
    """Whether anybody is to be written to about this check."""
    return result.alarm or settings.quiet_weeks


def compose(
    result: DriftResult,
    settings: MailSettings,
    occasion: Occasion,
    *,
    picture: bytes,
    report: bytes | None = None,
    report_path: str = "",
) -> EmailMessage:
    """Write the mail: plain text, the same as HTML with the picture inside, and the report attached.

    Args:
        result: The check.
        settings: Sender and recipients.
        occasion: Model, week and identity of the check.
        picture: A PNG.
        report: The HTML report; left out above 10 MB.
        report_path: Where the report lies, for those who read on the same machine.
    """
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = subject(result, occasion)
    mail["From"] = address(settings.sender)
    mail["To"] = [address(recipient) for recipient in settings.recipients]
    mail["Date"] = format_datetime(occasion.at)
    mail["Message-ID"] = message_id(result, occasion)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text(result, occasion, report_path))
    mail.add_alternative(page(result, occasion, report_path), subtype="html")
    body = mail.get_body(preferencelist=("html",))
    if body is not None:
        body.add_related(picture, "image", "png", cid=f"<{PICTURE_ID}>", disposition="inline", filename="drift.png")
    if report is not None and len(report) <= MOST_ATTACHED_BYTES:
        name = f"drift-{occasion.model}.html"
        mail.add_attachment(report, "text", "html", filename=name, params={"charset": "utf-8"})
    return mail


def address(text: str) -> Address:
    """A mail address with or without a name, from its text."""
    name, address = parseaddr(text)
    return Address(name, addr_spec=address)


def message_id(result: DriftResult, occasion: Occasion) -> str:
    """The same for the same verdict on the same week, however often the check is made."""
    verdict = [result.verdict, *sorted(result.alarms), *["number of rows"] * bool(result.rows_reason)]
    parts = [occasion.model, occasion.week, *verdict, occasion.key or occasion.at.isoformat()]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"<{digest[:32]}@{DOMAIN}>"


def subject(result: DriftResult, occasion: Occasion) -> str:
    """Model, week and verdict in one line."""
    about = f"[AgroLogistic] {occasion.model}, {occasion.week}"
    if not result.alarm:
        return f"{about}: quiet"
    what = result.alarms + (["number of rows"] if result.rows_reason else [])
    named = ", ".join(what[:3]) + (f" and {len(what) - 3} more" if len(what) > 3 else "")
    return f"{about}: DRIFT in {named}"


def text(result: DriftResult, occasion: Occasion, report_path: str = "") -> str:
    """The mail for those who read without HTML."""
    lines = [result.headline, "", f"Model: {occasion.model}", f"Week: {occasion.week}", *_basis(result), ""]
    lines += [f"- {reason}" for reason in result.reasons] + [""] * bool(result.reasons)
    lines += ["How near each column is to its limit (1 = the limit):"]
    width = max((len(column.column) for column in result.columns), default=0)
    lines += [f"  {c.column:<{width}}  {c.pressure:6.2f}  {'ALARM' if c.alarm else 'quiet'}" for c in result.columns]
    lines += ["", advice(result)] + ([f"Report: {report_path}"] if report_path else [])
    return "\n".join(lines) + "\n"


def page(result: DriftResult, occasion: Occasion, report_path: str = "") -> str:
    """The mail for those who read HTML."""
    about = {"result": result, "occasion": occasion, "report_path": report_path, "picture_id": PICTURE_ID}
    return render("mail.html.j2", **about, basis=_basis(result), advice=advice(result))


def _basis(result: DriftResult) -> list[str]:
    return [
        f"Rows: {result.n_current:,} against {result.n_reference:,} ({result.n_weeks} whole weeks) of the training set",
        f"Limits: set so that about {result.false_alarms_per_week:.1%} of quiet weeks alarm",
    ]


def advice(result: DriftResult) -> str:
    """What to do next."""
    if not result.alarm:
        return "Nothing needs doing."
    return (
        "First find out whether the data broke (a price list, a unit, a feed) or the world changed. "
        "Broken data: mend them and run the check again. A changed world: train a challenger on recent weeks."
    )
