# SPDX-License-Identifier: GPL-2.0-or-later
"""The public addresses of series, findings and rules; pure. Each finding has one address, wherever it is named."""

from rules.lazy import dataclass


def series_path(message_id: str) -> str:
    """Return the path of a series on the web pages."""
    return f"/series/{_quoted(message_id)}"


def finding_path(message_id: str, fingerprint: str) -> str:
    """Return the path of a finding on the page of its series."""
    return f"{series_path(message_id)}#{fingerprint}"


def commands_path(message_id: str) -> str:
    """Return the path of the commands by mail about a series on the web pages."""
    return f"/commands/{_quoted(message_id)}"


def _quoted(message_id: str) -> str:
    from urllib.parse import quote

    return quote(message_id, safe="@", errors="replace")


@dataclass(frozen=True, slots=True)
class Links:
    """Where the web pages and the static site of the rules are, without a slash at the end; "" if they are nowhere."""

    pages: str = ""
    site: str = ""

    def series(self, message_id: str) -> str:
        """Return the address of a series, "" without web pages."""
        return f"{self.pages}{series_path(message_id)}" if self.pages else ""

    def finding(self, message_id: str, fingerprint: str) -> str:
        """Return the address of a finding, "" without web pages."""
        return f"{self.pages}{finding_path(message_id, fingerprint)}" if self.pages else ""

    def commands(self, message_id: str) -> str:
        """Return the address of the commands by mail about a series, "" without web pages."""
        return f"{self.pages}{commands_path(message_id)}" if self.pages else ""

    def rule(self, rule_id: str) -> str:
        """Return the address of a rule on the web pages, else on the static site, else ""."""
        if self.pages:
            return f"{self.pages}/rules/{rule_id}"
        return f"{self.site}/rules/{rule_id}.html" if self.site else ""
