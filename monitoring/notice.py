"""A short mail of plain text, for what needs a person and no report."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from monitoring.mail import DOMAIN, address
from monitoring.settings import MailSettings

LONGEST_SUBJECT = 150


def compose(subject: str, lines: Sequence[str], settings: MailSettings, key: str) -> EmailMessage:
    """Write the mail.

    Args:
        subject: What happened, in one line.
        lines: The text.
        settings: Sender and recipients.
        key: What makes this mail the same mail when it is written again, such as the id of a run.
    """
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = " ".join(f"[AgroLogistic] {subject}".split())[:LONGEST_SUBJECT]
    mail["From"] = address(settings.sender)
    mail["To"] = [address(recipient) for recipient in settings.recipients]
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{DOMAIN}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n".join(lines) + "\n")
    return mail
