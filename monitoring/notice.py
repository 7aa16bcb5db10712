"""A mail of plain words, for what is no drift but somebody has to know."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from monitoring.mail import DOMAIN
from monitoring.settings import MailSettings


def compose(subject: str, lines: Sequence[str], settings: MailSettings, key: str) -> EmailMessage:
    """Write the mail.

    Args:
        subject: What happened, in one line.
        lines: What to know and what to do.
        settings: Sender and recipients.
        key: What makes this mail the same mail when it is composed again.
    """
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = f"[AgroLogistic] {' '.join(subject.split())}"
    mail["From"] = settings.sender
    mail["To"] = ", ".join(settings.recipients)
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{DOMAIN}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n".join(lines) + "\n")
    return mail
