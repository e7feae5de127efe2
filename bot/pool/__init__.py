# SPDX-License-Identifier: GPL-2.0-or-later
"""Run work on hostile input in processes with limits."""
