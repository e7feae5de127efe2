# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules on the border between C and Rust."""
