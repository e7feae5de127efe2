# SPDX-License-Identifier: GPL-2.0-or-later
"""The shell around the rules: archives in, reviews out."""
