# SPDX-License-Identifier: GPL-2.0-or-later
"""The shell around the rules: archives in, reviews out."""

VERSION = "0.1.0"
"""The version of this program. pyproject.toml reads it, so that printing it needs no search for installed packages."""
