# SPDX-License-Identifier: GPL-2.0-or-later
"""The web pages and their JSON: read-only, without JavaScript.

The pages read the store through `bot.ports.web` only. Templates escape everything. `site` decides where pages are and
how links look, so that the same templates make static sites: of the rules (`static_site`), and of a replay
(`report`). The server loads neither the settings nor the rules: `bot.app.web_options` reads them in a process that
ends. The second port, for operators, listens on loopback.
"""

from typing import Final

OPERATOR_HOST: Final = "127.0.0.1"
"""The address on which the pages for operators are served."""
