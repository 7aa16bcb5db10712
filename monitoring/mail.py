"""The mail about a check: composed here, sent elsewhere."""

import hashlib
import html
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from monitoring.result import DriftResult
from monitoring.settings import MailSettings

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
    mail.add_alternative(_html(result, occasion, report_path), subtype="html")
    page = mail.get_body(preferencelist=("html",))
    if page is not None:
        page.add_related(picture, "image", "png", cid=f"<{PICTURE_ID}>", disposition="inline", filename="drift.png")
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


def _html(result: DriftResult, occasion: Occasion, report_path: str) -> str:
    colour, ground = ("#a5341f", "#fbefec") if result.alarm else ("#2f6b48", "#eff5f1")
    reasons = "".join(f"<li style='margin:0 0 6px'>{html.escape(reason)}</li>" for reason in result.reasons)
    basis = "<br>".join(html.escape(line) for line in _basis(result))
    where = f"<p style='color:#66746c'>Report: {html.escape(report_path)}</p>" if report_path else ""
    return f"""\
<html><body style="margin:0;background:#f3f5f4;font:16px/1.5 Arial,Helvetica,sans-serif;color:#22302a">
<div style="max-width:600px;margin:0 auto;background:#ffffff;padding:20px">
<div style="background:{ground};border-left:6px solid {colour};padding:12px 16px">
<h1 style="font-size:20px;line-height:1.3;margin:0;color:{colour}">{html.escape(result.headline)}</h1>
<p style="margin:4px 0 0">{html.escape(occasion.model)}, {html.escape(occasion.week)}</p></div>
{f"<ul style='padding-left:20px'>{reasons}</ul>" if reasons else ""}
<p>{html.escape(advice(result))}</p>
<img src="cid:{PICTURE_ID}" alt="Change of each column against its limit" width="560" style="width:100%">
<p style="color:#66746c;font-size:13px">{basis}</p>{where}
</div></body></html>
"""
