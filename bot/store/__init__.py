# SPDX-License-Identifier: GPL-2.0-or-later
"""The store of mails, postings, reviews and our mails. Its rows never leave this package.

The methods of the roles are transactions. What each round of the service and the pages need uses plain statements;
the roles of `session_roles` use SQLAlchemy, which is loaded when one of their methods is called. `blocks` compresses
raw mails together, `texts` keeps the texts of postings whose mails were removed, `images` what reviews verified, and
`projection` copies what lists show out of the stored values. `dialect`, `postgres` and `sqlalchemy_dialect` have all
differences between SQLite and PostgreSQL. `schema` creates a new database, with the result of all migrations.
"""
