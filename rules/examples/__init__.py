# SPDX-License-Identifier: GPL-2.0-or-later
"""Examples of rules that have more of them than stand well beside the code."""
