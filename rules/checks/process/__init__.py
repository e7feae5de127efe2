# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules about what the process of the kernel asks of a patch: trailers and entries in MAINTAINERS."""
