# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches as values: what the author changed, and each file before and after."""
