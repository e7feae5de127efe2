# SPDX-License-Identifier: GPL-2.0-or-later
"""Facts about a series that several rules share.

`view` is what a rule sees of a series and its files; `FileView.report` makes a report. An `Analysis` declares which
analyses it requires and the type of its result, and runs once for each series.
"""
