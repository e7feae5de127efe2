# SPDX-License-Identifier: GPL-2.0-or-later
"""Digests: what happened in a period, as text, HTML and mail. Pure."""
