# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules about the style of Rust code in the kernel."""
