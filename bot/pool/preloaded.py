# SPDX-License-Identifier: GPL-2.0-or-later
"""Freeze what the fork server has loaded, so that the collector of a worker does not copy the shared pages."""

import gc

from bot.collector import collect_rarely

gc.collect()
collect_rarely()
gc.enable()
