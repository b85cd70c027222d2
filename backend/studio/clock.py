"""Identifiers and times of records. Order is kept by counters in the database, never by these."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def new_id() -> str:
    """128 random bits as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def now() -> str:
    """The present moment in UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
