# SPDX-License-Identifier: GPL-2.0-or-later
"""Facts about a series that several rules share."""
