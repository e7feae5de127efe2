# SPDX-License-Identifier: GPL-2.0-or-later
"""The public addresses in mails and formats, from the settings."""

from bot.mail.links import Links
from bot.settings.tables import Settings


def build_links(settings: Settings) -> Links:
    """Return the addresses of the web pages and of the static site of the rules."""
    return Links(settings.web.url.rstrip("/"), settings.web.site.rstrip("/"))
