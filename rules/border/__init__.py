# SPDX-License-Identifier: GPL-2.0-or-later
"""The border between C and Rust in a kernel tree: who uses what of the other side. Pure analysis of texts."""
