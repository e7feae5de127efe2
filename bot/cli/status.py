# SPDX-License-Identifier: GPL-2.0-or-later
"""The exit statuses of all commands."""

OK = 0
"""Done; no findings at or above `--fail-on`."""

FINDINGS = 1
"""Done; there are findings at or above `--fail-on`."""

USAGE = 2
"""Bad usage or settings, or input that cannot be read or exceeds an analysis limit."""

FAILED = 3
"""A rule or the program failed."""

INTERRUPTED = 130
"""Ended by Ctrl-C, as shells report it."""

CLOSED_PIPE = 141
"""Ended because the reader of standard output ended, as shells report SIGPIPE."""
