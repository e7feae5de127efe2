# SPDX-License-Identifier: GPL-2.0-or-later
"""The web pages and their JSON: read-only, without JavaScript."""

from typing import Final

OPERATOR_HOST: Final = "127.0.0.1"
"""The address on which the pages for operators are served."""
