# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules about what must agree so that every configuration builds."""
