# SPDX-License-Identifier: GPL-2.0-or-later
"""Read Kconfig files and Makefiles of the kernel.

A condition on options is a conjunction of alternatives. What cannot be read stays in it as unknown.
"""
