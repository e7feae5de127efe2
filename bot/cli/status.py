# SPDX-License-Identifier: GPL-2.0-or-later
"""What the exit status of every command says."""

OK = 0
"""Done; nothing found at or above `--fail-on`."""

FINDINGS = 1
"""Done; something was found at or above `--fail-on`."""

USAGE = 2
"""Bad usage or settings, or input that cannot be read, or is too much to judge."""

FAILED = 3
"""A rule or the program failed."""
