# SPDX-License-Identifier: GPL-2.0-or-later
"""Read Kconfig files and Makefiles of the kernel."""
