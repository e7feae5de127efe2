# SPDX-License-Identifier: GPL-2.0-or-later
"""What a rule is, and the engine that runs rules."""
