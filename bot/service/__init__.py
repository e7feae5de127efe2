# SPDX-License-Identifier: GPL-2.0-or-later
"""The jobs of the service and their schedule."""
