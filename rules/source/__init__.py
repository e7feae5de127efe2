# SPDX-License-Identifier: GPL-2.0-or-later
"""Read Rust and C source code. No other package lexes or parses source code."""
