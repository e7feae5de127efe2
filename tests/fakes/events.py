# SPDX-License-Identifier: GPL-2.0-or-later
"""The events that a test logs, before they become text."""

from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True, slots=True)
class Events:
    """The events in the order in which they were logged."""

    caplog: pytest.LogCaptureFixture

    def all(self) -> list[tuple[str, dict[str, Any]]]:
        """Each event's name and its fields, without those that are left out."""
        return [
            (record.event, {key: value for key, value in record.fields.items() if value is not None and value != ""})
            for record in self.caplog.records
            if hasattr(record, "event") and hasattr(record, "fields")
        ]

    def names(self) -> list[str]:
        return [name for name, _ in self.all()]

    def named(self, name: str) -> list[dict[str, Any]]:
        """The fields of each event of that name."""
        return [fields for event, fields in self.all() if event == name]
