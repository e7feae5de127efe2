# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules, one file per rule and one folder per family."""
