# SPDX-License-Identifier: GPL-2.0-or-later
"""The functional core: values in, findings out. Knows no mail, network, database or clock."""
