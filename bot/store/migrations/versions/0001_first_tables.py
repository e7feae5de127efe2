# SPDX-License-Identifier: GPL-2.0-or-later
"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

from bot.store.sqlalchemy_dialect import partial

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blob",
        sa.Column("blob_id", sqltypes.AutoString(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("blob_id", name=op.f("pk_blob")),
    )
    op.create_table(
        "cursor",
        sa.Column("source", sqltypes.AutoString(), nullable=False),
        sa.Column("epoch", sqltypes.AutoString(), nullable=False),
        sa.Column("position", sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("source", "epoch", name=op.f("pk_cursor")),
    )
    op.create_table(
        "mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("content_hash", sqltypes.AutoString(), nullable=False),
        sa.Column("source", sqltypes.AutoString(), nullable=False),
        sa.Column("origin", sqltypes.AutoString(), nullable=False),
        sa.Column("arrived", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("state", sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_mail_content_hash")),
    )
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mail_state"), ["state"], unique=False)

    op.create_table(
        "outgoing",
        sa.Column("message_id", sqltypes.AutoString(), nullable=False),
        sa.Column("posting_id", sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqltypes.AutoString(), nullable=False),
        sa.Column("envelope_from", sqltypes.AutoString(), nullable=False),
        sa.Column("envelope_to", sqltypes.AutoString(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("mode", sqltypes.AutoString(), nullable=False),
        sa.Column("lists", sqltypes.AutoString(), nullable=False),
        sa.Column("author", sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqltypes.AutoString(), nullable=False),
        sa.Column("destination", sqltypes.AutoString(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("created", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("changed", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_outgoing")),
    )
    with op.batch_alter_table("outgoing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outgoing_posting_id"), ["posting_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_outgoing_state"), ["state"], unique=False)

    op.create_table(
        "review",
        sa.Column("posting_id", sqltypes.AutoString(), nullable=False),
        sa.Column("reviewed", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("posting", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("posting_id", name=op.f("pk_review")),
    )
    op.create_table(
        "thread",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("assembled", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread")),
    )
    with op.batch_alter_table("thread", schema=None) as batch_op:
        batch_op.create_index("ix_thread_due", ["id"], unique=False, **partial("changed > assembled"))

    op.create_table(
        "answered",
        sa.Column("message_id", sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqltypes.AutoString(), nullable=False),
        sa.Column("outgoing_id", sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["outgoing_id"], ["outgoing.message_id"], name=op.f("fk_answered_outgoing_id_outgoing")
        ),
        sa.PrimaryKeyConstraint("message_id", "kind", name=op.f("pk_answered")),
    )
    with op.batch_alter_table("answered", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_answered_outgoing_id"), ["outgoing_id"], unique=False)

    op.create_table(
        "message",
        sa.Column("message_id", sqltypes.AutoString(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("mail_id", sa.Integer(), nullable=True),
        sa.Column("digest", sqltypes.AutoString(), nullable=False),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mail.id"], name=op.f("fk_message_mail_id_mail")),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.id"], name=op.f("fk_message_thread_id_thread")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_message")),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_message_mail_id"), ["mail_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_message_thread_id"), ["thread_id"], unique=False)

    op.create_table(
        "posting",
        sa.Column("message_id", sqltypes.AutoString(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("topic", sqltypes.AutoString(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("sent", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("arrived", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("state", sqltypes.AutoString(), nullable=False),
        sa.Column("detail", sqltypes.AutoString(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("verdict", sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.id"], name=op.f("fk_posting_thread_id_thread")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_posting")),
    )
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.create_index("ix_posting_due", ["state", "verdict", "sent"], unique=False)
        batch_op.create_index(batch_op.f("ix_posting_thread_id"), ["thread_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_posting_topic"), ["topic"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_posting_topic"))
        batch_op.drop_index(batch_op.f("ix_posting_thread_id"))
        batch_op.drop_index("ix_posting_due")

    op.drop_table("posting")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_thread_id"))
        batch_op.drop_index(batch_op.f("ix_message_mail_id"))

    op.drop_table("message")
    with op.batch_alter_table("answered", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_answered_outgoing_id"))

    op.drop_table("answered")
    with op.batch_alter_table("thread", schema=None) as batch_op:
        batch_op.drop_index("ix_thread_due", sqlite_where=sa.text("changed > assembled"))

    op.drop_table("thread")
    op.drop_table("review")
    with op.batch_alter_table("outgoing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outgoing_state"))
        batch_op.drop_index(batch_op.f("ix_outgoing_posting_id"))

    op.drop_table("outgoing")
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mail_state"))

    op.drop_table("mail")
    op.drop_table("cursor")
    op.drop_table("blob")
