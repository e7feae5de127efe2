# SPDX-License-Identifier: GPL-2.0-or-later
"""The pages of docs/ that are generated from the code."""
