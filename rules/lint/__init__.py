# SPDX-License-Identifier: GPL-2.0-or-later
"""The definition of a rule, and the engine that runs rules."""
