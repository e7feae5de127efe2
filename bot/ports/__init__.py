# SPDX-License-Identifier: GPL-2.0-or-later
"""The protocols between jobs and adapters. bot.app builds the adapters; tests use fakes."""
