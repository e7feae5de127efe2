# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings to text; pure."""
