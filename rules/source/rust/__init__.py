# SPDX-License-Identifier: GPL-2.0-or-later
"""Read Rust, complete files and the fragments that hunks show."""
