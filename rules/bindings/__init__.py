# SPDX-License-Identifier: GPL-2.0-or-later
"""What Rust uses of C in a kernel tree, and what a series does to it. No text for users."""
