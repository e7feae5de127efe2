# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules about what code does when it runs: panics, log messages, results."""
