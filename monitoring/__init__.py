"""Watching data: drift of a week against the training reference, the report, the mail and its outbox."""

import os

os.environ.setdefault("DO_NOT_TRACK", "true")
