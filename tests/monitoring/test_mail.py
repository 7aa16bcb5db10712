import dataclasses
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import SMTP

import pytest
from pydantic import ValidationError

from monitoring import mail
from monitoring.settings import MailSettings

AT = datetime(2024, 8, 5, 6, 0, tzinfo=UTC)
OCCASION = mail.Occasion("recommender", "2024-07-29 to 2024-08-04", key="version 1", at=AT)
SETTINGS = MailSettings(recipients="a@farm.example, Bea <b@farm.example>", password="s3cret-word")


def composed(result, **changes):
    given = {"picture": b"\x89PNG...", "report": "<html>charts – σ</html>".encode()} | changes
    return message_from_bytes(mail.compose(result, SETTINGS, OCCASION, **given).as_bytes(), policy=SMTP)


def test_a_mail_has_words_a_page_with_its_picture_and_the_report(shifted):
    read = composed(shifted)
    kinds = [part.get_content_type() for part in read.walk() if not part.is_multipart()]
    assert kinds == ["text/plain", "text/html", "image/png", "text/html"]
    picture = next(part for part in read.walk() if part.get_content_type() == "image/png")
    assert picture["Content-ID"] == "<drift-picture>" and picture.get_content_disposition() == "inline"
    assert 'src="cid:drift-picture"' in read.get_body(("html",)).get_content()
    attached = list(read.iter_attachments())[-1]
    assert attached.get_filename() == "drift-recommender.html"
    assert attached.get_content() == "<html>charts – σ</html>"


def test_the_subject_says_model_week_and_verdict(quiet, shifted):
    assert composed(quiet)["Subject"] == "[AgroLogistic] recommender, 2024-07-29 to 2024-08-04: quiet"
    assert composed(shifted)["Subject"] == "[AgroLogistic] recommender, 2024-07-29 to 2024-08-04: DRIFT in price"


def test_the_words_alone_tell_the_whole_story(shifted):
    said = composed(shifted).get_body(("plain",)).get_content()
    for part in ("Drift in price.", "price moved up by ", "ALARM", "1.0% of quiet weeks", "600 against 18,000"):
        assert part in said


def test_names_from_outside_cannot_become_markup(shifted):
    bad = dataclasses.replace(OCCASION, week="<b>this</b> & 'that'")
    page = mail.page(shifted, bad, "var/<i>.html")
    assert "&lt;b&gt;this&lt;/b&gt; &amp; &#39;that&#39;" in page and "var/&lt;i&gt;.html" in page
    assert "<b>" not in page and "<i>" not in page and "<li" in page


def test_everybody_is_written_to(quiet):
    assert composed(quiet)["To"] == "a@farm.example, Bea <b@farm.example>"


def test_the_same_verdict_on_the_same_week_is_the_same_mail_however_often_it_is_checked(quiet, shifted):
    later = mail.Occasion(OCCASION.model, OCCASION.week, key=OCCASION.key, at=AT + timedelta(days=1))
    assert mail.message_id(shifted, later) == mail.message_id(shifted, OCCASION)
    assert mail.message_id(shifted, OCCASION) != mail.message_id(quiet, OCCASION)


def test_another_version_week_or_drifted_column_is_another_mail(shifted):
    other = dataclasses.replace(shifted, rows_reason="half of the rows are missing")
    assert mail.message_id(other, OCCASION) != mail.message_id(shifted, OCCASION)
    for field in ("model", "week", "key"):
        occasion = dataclasses.replace(OCCASION, **{field: "another"})
        assert mail.message_id(shifted, occasion) != mail.message_id(shifted, OCCASION)


def test_no_secret_is_in_a_mail(shifted):
    assert b"s3cret-word" not in mail.compose(shifted, SETTINGS, OCCASION, picture=b"").as_bytes()


def test_a_line_break_in_a_name_cannot_make_a_header(shifted):
    bad = mail.Occasion("recommender\nBcc: x@y.z", "week", at=AT)
    with pytest.raises(ValueError, match="linefeed"):
        mail.compose(shifted, SETTINGS, bad, picture=b"")


def test_a_huge_report_stays_on_disk_and_the_mail_says_where(shifted):
    read = composed(shifted, report=b"x" * (mail.MOST_ATTACHED_BYTES + 1), report_path="var/reports/drift.html")
    assert all(part.get_filename() != "drift-recommender.html" for part in read.iter_attachments())
    assert "Report: var/reports/drift.html" in read.get_body(("plain",)).get_content()


def test_quiet_weeks_are_mailed_only_on_request(quiet, shifted):
    assert mail.wanted(shifted, SETTINGS) and not mail.wanted(quiet, SETTINGS)
    assert mail.wanted(quiet, MailSettings(quiet_weeks=True))


def test_recipients_come_from_the_environment_separated_by_commas(monkeypatch):
    monkeypatch.setenv("AGRO_SMTP_RECIPIENTS", "a@b.c,d@e.f")
    assert MailSettings().recipients == ("a@b.c", "d@e.f")


def test_a_recipient_that_is_no_address_is_refused():
    with pytest.raises(ValidationError, match="AGRO_SMTP_RECIPIENTS needs addresses like name@host"):
        MailSettings(recipients="nobody")
