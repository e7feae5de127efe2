# SPDX-License-Identifier: GPL-2.0-or-later
"""Output formats for findings; one file a format, all pure."""
