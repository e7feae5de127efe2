# SPDX-License-Identifier: GPL-2.0-or-later
"""Load the rules before the processes are forked that use them."""

from rules.registry import active

active()
