-- SPDX-License-Identifier: GPL-2.0-or-later
-- What all migrations together make. Written by `make schema`.
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE blob (
	blob_id VARCHAR NOT NULL, 
	used DATETIME, block INTEGER DEFAULT 0 NOT NULL, start INTEGER DEFAULT 0 NOT NULL, length INTEGER DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_blob PRIMARY KEY (blob_id)
);
CREATE TABLE cursor (
	source VARCHAR NOT NULL, 
	epoch VARCHAR NOT NULL, 
	position VARCHAR NOT NULL, 
	CONSTRAINT pk_cursor PRIMARY KEY (source, epoch)
);
CREATE TABLE mail (
	id INTEGER NOT NULL, 
	content_hash VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	origin VARCHAR NOT NULL, 
	arrived DATETIME NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, provenance VARCHAR DEFAULT 'followed' NOT NULL, pruned DATETIME, block INTEGER DEFAULT 0 NOT NULL, start INTEGER DEFAULT 0 NOT NULL, length INTEGER DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_mail PRIMARY KEY (id), 
	CONSTRAINT uq_mail_content_hash UNIQUE (content_hash)
);
CREATE INDEX ix_mail_state ON mail (state);
CREATE TABLE outgoing (
	message_id VARCHAR NOT NULL, 
	posting_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	envelope_from VARCHAR NOT NULL, 
	envelope_to VARCHAR NOT NULL, 
	content BLOB NOT NULL, 
	mode VARCHAR NOT NULL, 
	lists VARCHAR NOT NULL, 
	author VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	destination VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	due DATETIME NOT NULL, 
	created DATETIME NOT NULL, 
	changed DATETIME NOT NULL, 
	CONSTRAINT pk_outgoing PRIMARY KEY (message_id)
);
CREATE INDEX ix_outgoing_posting_id ON outgoing (posting_id);
CREATE INDEX ix_outgoing_state ON outgoing (state);
CREATE TABLE review (
	posting_id VARCHAR NOT NULL, 
	reviewed DATETIME NOT NULL, 
	posting BLOB NOT NULL, 
	value BLOB NOT NULL, pruned DATETIME, 
	CONSTRAINT pk_review PRIMARY KEY (posting_id)
);
CREATE TABLE thread (
	id INTEGER NOT NULL, 
	changed INTEGER NOT NULL, 
	assembled INTEGER NOT NULL, 
	CONSTRAINT pk_thread PRIMARY KEY (id)
);
CREATE INDEX ix_thread_due ON thread (id) WHERE changed > assembled;
CREATE TABLE "outgoing_part" (
	message_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	outgoing_id VARCHAR NOT NULL, 
	CONSTRAINT pk_answered PRIMARY KEY (message_id, kind), 
	CONSTRAINT fk_answered_outgoing_id_outgoing FOREIGN KEY(outgoing_id) REFERENCES outgoing (message_id)
);
CREATE TABLE message (
	message_id VARCHAR NOT NULL, 
	thread_id INTEGER NOT NULL, 
	mail_id INTEGER, 
	digest VARCHAR NOT NULL, 
	disputed BOOLEAN NOT NULL, followed BOOLEAN DEFAULT 1 NOT NULL, carriers VARCHAR, in_reply_to VARCHAR DEFAULT '' NOT NULL, 
	CONSTRAINT pk_message PRIMARY KEY (message_id), 
	CONSTRAINT fk_message_mail_id_mail FOREIGN KEY(mail_id) REFERENCES mail (id), 
	CONSTRAINT fk_message_thread_id_thread FOREIGN KEY(thread_id) REFERENCES thread (id)
);
CREATE INDEX ix_message_mail_id ON message (mail_id);
CREATE INDEX ix_message_thread_id ON message (thread_id);
CREATE TABLE posting (
	message_id VARCHAR NOT NULL, 
	thread_id INTEGER NOT NULL, 
	topic VARCHAR NOT NULL, 
	revision INTEGER NOT NULL, 
	sent DATETIME NOT NULL, 
	arrived DATETIME NOT NULL, 
	state VARCHAR NOT NULL, 
	detail VARCHAR NOT NULL, 
	value BLOB NOT NULL, 
	verdict VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, tries INTEGER DEFAULT '0' NOT NULL, compared BOOLEAN DEFAULT 0 NOT NULL, subject VARCHAR DEFAULT '' NOT NULL, author VARCHAR DEFAULT '' NOT NULL, author_name VARCHAR DEFAULT '' NOT NULL, severity VARCHAR DEFAULT '' NOT NULL, projection INTEGER DEFAULT 0 NOT NULL, patches INTEGER DEFAULT 0 NOT NULL, expected INTEGER DEFAULT 0 NOT NULL, findings INTEGER DEFAULT 0 NOT NULL, reported INTEGER DEFAULT 0 NOT NULL, reviewed DATETIME, 
	CONSTRAINT pk_posting PRIMARY KEY (message_id), 
	CONSTRAINT fk_posting_thread_id_thread FOREIGN KEY(thread_id) REFERENCES thread (id)
);
CREATE INDEX ix_posting_thread_id ON posting (thread_id);
CREATE INDEX ix_posting_topic ON posting (topic);
CREATE TABLE "backfill" (
	posting_id VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	due DATETIME NOT NULL, 
	outcome VARCHAR NOT NULL, 
	CONSTRAINT pk_completion PRIMARY KEY (posting_id)
);
CREATE TABLE attestation (
	mail_id INTEGER NOT NULL, 
	checked DATETIME NOT NULL, 
	value BLOB NOT NULL, 
	CONSTRAINT pk_attestation PRIMARY KEY (mail_id), 
	CONSTRAINT fk_attestation_mail_id_mail FOREIGN KEY(mail_id) REFERENCES mail (id)
);
CREATE TABLE disposition (
	topic VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	"by" VARCHAR NOT NULL, 
	rule VARCHAR NOT NULL, 
	"kind" VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	message_id VARCHAR NOT NULL, 
	given DATETIME NOT NULL, 
	CONSTRAINT pk_disposition PRIMARY KEY (topic, fingerprint, "by")
);
CREATE INDEX ix_disposition_rule ON disposition (rule);
CREATE TABLE mute (
	scope VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	"by" VARCHAR NOT NULL, 
	message_id VARCHAR NOT NULL, 
	given DATETIME NOT NULL, 
	CONSTRAINT pk_mute PRIMARY KEY (scope, subject)
);
CREATE TABLE "command_mail" (
	message_id VARCHAR NOT NULL, 
	sender VARCHAR NOT NULL, 
	outcome VARCHAR NOT NULL, 
	"has_reply" BOOLEAN NOT NULL, 
	"processed" DATETIME NOT NULL, 
	CONSTRAINT pk_heard PRIMARY KEY (message_id)
);
CREATE TABLE verdict (
	posting_id VARCHAR NOT NULL, 
	verdict VARCHAR NOT NULL, 
	"mailed" DATETIME NOT NULL, 
	CONSTRAINT pk_verdict PRIMARY KEY (posting_id, verdict)
);
CREATE TABLE "delivery_event" (
	message_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	place VARCHAR NOT NULL, 
	detail VARCHAR NOT NULL, 
	noticed DATETIME NOT NULL, 
	CONSTRAINT pk_returned PRIMARY KEY (message_id, kind, place)
);
CREATE TABLE installation (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	created DATETIME NOT NULL, 
	generation INTEGER NOT NULL, 
	secret VARCHAR NOT NULL, 
	CONSTRAINT pk_installation PRIMARY KEY (id)
);
CREATE TABLE "unknown_mail" (
	message_id VARCHAR NOT NULL, 
	in_reply_to VARCHAR NOT NULL, 
	arrived DATETIME NOT NULL, 
	raw_mail INTEGER NOT NULL, 
	"status" VARCHAR NOT NULL, 
	CONSTRAINT pk_claim PRIMARY KEY (message_id)
);
CREATE INDEX ix_mail_unpruned ON mail (arrived) WHERE pruned IS NULL;
CREATE TABLE stop (
	id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	reason VARCHAR NOT NULL, 
	since DATETIME NOT NULL, 
	seen INTEGER NOT NULL, 
	CONSTRAINT pk_stop PRIMARY KEY (id)
);
CREATE INDEX ix_posting_due ON posting (state, verdict, tries, arrived);
CREATE INDEX ix_outgoing_part_outgoing_id ON outgoing_part (outgoing_id);
CREATE INDEX ix_unknown_mail_status ON unknown_mail (status);
CREATE INDEX ix_command_mail_sender ON command_mail (sender);
CREATE INDEX ix_delivery_event_noticed ON delivery_event (noticed);
CREATE INDEX ix_message_in_reply_to ON message (in_reply_to) WHERE in_reply_to != '';
CREATE TABLE pending (
	message_id VARCHAR NOT NULL, 
	topic VARCHAR NOT NULL, 
	sent DATETIME NOT NULL, 
	value BLOB NOT NULL, 
	CONSTRAINT pk_pending PRIMARY KEY (message_id)
);
CREATE INDEX ix_pending_topic ON pending (topic);
CREATE INDEX ix_pending_sent ON pending (sent);
CREATE TABLE pending_fact (
	kind VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	message_id VARCHAR NOT NULL, 
	CONSTRAINT pk_pending_fact PRIMARY KEY (kind, name, message_id)
);
CREATE INDEX ix_pending_fact_message_id ON pending_fact (message_id);
CREATE TABLE collision (
	topic VARCHAR NOT NULL, 
	other_topic VARCHAR NOT NULL, 
	message_id VARCHAR NOT NULL, 
	other_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	found DATETIME NOT NULL, 
	CONSTRAINT pk_collision PRIMARY KEY (topic, other_topic)
);
CREATE INDEX ix_collision_found ON collision (found);
CREATE TABLE applied_patch (
	message_id VARCHAR NOT NULL, 
	landing VARCHAR NOT NULL, 
	posting_id VARCHAR NOT NULL, 
	ref VARCHAR NOT NULL, 
	commit_id VARCHAR NOT NULL, 
	decided_by VARCHAR NOT NULL, 
	noted DATETIME NOT NULL, 
	CONSTRAINT pk_applied_patch PRIMARY KEY (message_id, landing)
);
CREATE INDEX ix_applied_patch_posting_id ON applied_patch (posting_id);
CREATE TABLE landing_recheck (
	posting_id VARCHAR NOT NULL, 
	ref VARCHAR NOT NULL, 
	commit_id VARCHAR NOT NULL, 
	names VARCHAR NOT NULL, 
	queued DATETIME NOT NULL, 
	CONSTRAINT pk_landing_recheck PRIMARY KEY (posting_id)
);
CREATE TABLE landing_finding (
	posting_id VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	ref VARCHAR NOT NULL, 
	commit_id VARCHAR NOT NULL, 
	noted DATETIME NOT NULL, 
	CONSTRAINT pk_landing_finding PRIMARY KEY (posting_id, fingerprint)
);
CREATE INDEX ix_landing_finding_noted ON landing_finding (noted);
CREATE INDEX ix_posting_arrived ON posting (arrived);
CREATE INDEX ix_posting_sent ON posting (sent);
CREATE INDEX ix_review_reviewed ON review (reviewed);
CREATE INDEX ix_outgoing_changed ON outgoing (changed);
CREATE INDEX ix_outgoing_created ON outgoing (created);
CREATE INDEX ix_posting_uncompared ON posting (arrived) WHERE compared = 0;
CREATE INDEX ix_outgoing_deliverable ON outgoing (created, message_id) WHERE state IN ('queued', 'approved');
CREATE INDEX ix_posting_newest ON posting (sent, message_id, state, verdict, severity, author, subject, author_name, topic, revision, patches, expected, arrived, reviewed, findings, reported, reason);
CREATE INDEX ix_posting_author ON posting (author, sent, message_id);
CREATE INDEX ix_posting_unprojected ON posting (message_id) WHERE projection = 0;
CREATE TABLE finding (
	posting_id VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	reviewed DATETIME NOT NULL, 
	rule VARCHAR NOT NULL, 
	severity VARCHAR NOT NULL, 
	confidence VARCHAR NOT NULL, 
	patch INTEGER NOT NULL, 
	path VARCHAR NOT NULL, 
	line INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	withheld VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	message VARCHAR NOT NULL, 
	CONSTRAINT pk_finding PRIMARY KEY (posting_id, position)
);
CREATE INDEX ix_finding_rule ON finding (rule, reviewed, posting_id, position);
CREATE TABLE finding_count (
	rule VARCHAR NOT NULL, 
	month VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	outcome VARCHAR NOT NULL, 
	count INTEGER NOT NULL, 
	CONSTRAINT pk_finding_count PRIMARY KEY (rule, month, state, outcome)
);
CREATE TABLE counter (
	name VARCHAR NOT NULL, 
	label VARCHAR NOT NULL, 
	value INTEGER NOT NULL, 
	CONSTRAINT pk_counter PRIMARY KEY (name, label)
);
CREATE TABLE job_run (
	name VARCHAR NOT NULL, 
	process VARCHAR NOT NULL, 
	started DATETIME NOT NULL, 
	succeeded DATETIME, 
	runs INTEGER NOT NULL, 
	failures INTEGER NOT NULL, 
	seconds FLOAT NOT NULL, 
	last_seconds FLOAT NOT NULL, 
	max_gap FLOAT NOT NULL, 
	CONSTRAINT pk_job_run PRIMARY KEY (name)
);
CREATE TABLE source_read (
	source VARCHAR NOT NULL, 
	read DATETIME NOT NULL, 
	CONSTRAINT pk_source_read PRIMARY KEY (source)
);
CREATE TRIGGER count_mail_insert AFTER INSERT ON mail BEGIN 
INSERT INTO counter (name, label, value) SELECT 'mail', NEW.state, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'mail' AND label = NEW.state);
UPDATE counter SET value = value + 1 WHERE name = 'mail' AND label = NEW.state; END;
CREATE TRIGGER count_mail_delete AFTER DELETE ON mail BEGIN 
INSERT INTO counter (name, label, value) SELECT 'mail', OLD.state, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'mail' AND label = OLD.state);
UPDATE counter SET value = value + -1 WHERE name = 'mail' AND label = OLD.state; END;
CREATE TRIGGER count_mail_update AFTER UPDATE OF state ON mail WHEN OLD.state != NEW.state BEGIN 
INSERT INTO counter (name, label, value) SELECT 'mail', OLD.state, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'mail' AND label = OLD.state);
UPDATE counter SET value = value + -1 WHERE name = 'mail' AND label = OLD.state; 
INSERT INTO counter (name, label, value) SELECT 'mail', NEW.state, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'mail' AND label = NEW.state);
UPDATE counter SET value = value + 1 WHERE name = 'mail' AND label = NEW.state; END;
CREATE TRIGGER count_series_insert AFTER INSERT ON posting BEGIN 
INSERT INTO counter (name, label, value) SELECT 'series', CASE WHEN NEW.state = 'complete' THEN coalesce(nullif(NEW.verdict, ''), 'due') ELSE NEW.state END, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'series' AND label = CASE WHEN NEW.state = 'complete' THEN coalesce(nullif(NEW.verdict, ''), 'due') ELSE NEW.state END);
UPDATE counter SET value = value + 1 WHERE name = 'series' AND label = CASE WHEN NEW.state = 'complete' THEN coalesce(nullif(NEW.verdict, ''), 'due') ELSE NEW.state END; END;
CREATE TRIGGER count_series_delete AFTER DELETE ON posting BEGIN 
INSERT INTO counter (name, label, value) SELECT 'series', CASE WHEN OLD.state = 'complete' THEN coalesce(nullif(OLD.verdict, ''), 'due') ELSE OLD.state END, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'series' AND label = CASE WHEN OLD.state = 'complete' THEN coalesce(nullif(OLD.verdict, ''), 'due') ELSE OLD.state END);
UPDATE counter SET value = value + -1 WHERE name = 'series' AND label = CASE WHEN OLD.state = 'complete' THEN coalesce(nullif(OLD.verdict, ''), 'due') ELSE OLD.state END; END;
CREATE TRIGGER count_series_update AFTER UPDATE OF state, verdict ON posting WHEN CASE WHEN OLD.state = 'complete' THEN coalesce(nullif(OLD.verdict, ''), 'due') ELSE OLD.state END != CASE WHEN NEW.state = 'complete' THEN coalesce(nullif(NEW.verdict, ''), 'due') ELSE NEW.state END BEGIN 
INSERT INTO counter (name, label, value) SELECT 'series', CASE WHEN OLD.state = 'complete' THEN coalesce(nullif(OLD.verdict, ''), 'due') ELSE OLD.state END, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'series' AND label = CASE WHEN OLD.state = 'complete' THEN coalesce(nullif(OLD.verdict, ''), 'due') ELSE OLD.state END);
UPDATE counter SET value = value + -1 WHERE name = 'series' AND label = CASE WHEN OLD.state = 'complete' THEN coalesce(nullif(OLD.verdict, ''), 'due') ELSE OLD.state END; 
INSERT INTO counter (name, label, value) SELECT 'series', CASE WHEN NEW.state = 'complete' THEN coalesce(nullif(NEW.verdict, ''), 'due') ELSE NEW.state END, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'series' AND label = CASE WHEN NEW.state = 'complete' THEN coalesce(nullif(NEW.verdict, ''), 'due') ELSE NEW.state END);
UPDATE counter SET value = value + 1 WHERE name = 'series' AND label = CASE WHEN NEW.state = 'complete' THEN coalesce(nullif(NEW.verdict, ''), 'due') ELSE NEW.state END; END;
CREATE TRIGGER count_outgoing_insert AFTER INSERT ON outgoing BEGIN 
INSERT INTO counter (name, label, value) SELECT 'outgoing', NEW.state, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'outgoing' AND label = NEW.state);
UPDATE counter SET value = value + 1 WHERE name = 'outgoing' AND label = NEW.state; END;
CREATE TRIGGER count_outgoing_delete AFTER DELETE ON outgoing BEGIN 
INSERT INTO counter (name, label, value) SELECT 'outgoing', OLD.state, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'outgoing' AND label = OLD.state);
UPDATE counter SET value = value + -1 WHERE name = 'outgoing' AND label = OLD.state; END;
CREATE TRIGGER count_outgoing_update AFTER UPDATE OF state ON outgoing WHEN OLD.state != NEW.state BEGIN 
INSERT INTO counter (name, label, value) SELECT 'outgoing', OLD.state, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'outgoing' AND label = OLD.state);
UPDATE counter SET value = value + -1 WHERE name = 'outgoing' AND label = OLD.state; 
INSERT INTO counter (name, label, value) SELECT 'outgoing', NEW.state, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'outgoing' AND label = NEW.state);
UPDATE counter SET value = value + 1 WHERE name = 'outgoing' AND label = NEW.state; END;
CREATE TRIGGER count_review AFTER UPDATE OF verdict ON posting WHEN OLD.verdict = '' AND NEW.verdict != '' BEGIN 
INSERT INTO counter (name, label, value) SELECT 'review', NEW.verdict, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'review' AND label = NEW.verdict);
UPDATE counter SET value = value + 1 WHERE name = 'review' AND label = NEW.verdict; END;
CREATE TRIGGER count_delivery AFTER UPDATE OF state ON outgoing WHEN OLD.state = 'sending' AND NEW.state != 'sending' BEGIN 
INSERT INTO counter (name, label, value) SELECT 'delivery', NEW.state, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'delivery' AND label = NEW.state);
UPDATE counter SET value = value + 1 WHERE name = 'delivery' AND label = NEW.state; END;
CREATE TABLE posting_subsystem (
	subsystem VARCHAR NOT NULL, 
	sent DATETIME NOT NULL, 
	posting_id VARCHAR NOT NULL, pattern VARCHAR DEFAULT '' NOT NULL, path VARCHAR DEFAULT '' NOT NULL, 
	CONSTRAINT pk_posting_subsystem PRIMARY KEY (subsystem, sent, posting_id)
);
CREATE INDEX ix_posting_subsystem_posting_id ON posting_subsystem (posting_id);
CREATE TABLE kernel_tree (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	commit_id VARCHAR NOT NULL, 
	noted DATETIME NOT NULL, 
	CONSTRAINT pk_kernel_tree PRIMARY KEY (id)
);
CREATE TABLE used_place (
	name VARCHAR NOT NULL, 
	path VARCHAR NOT NULL, 
	line INTEGER NOT NULL, 
	form VARCHAR NOT NULL, 
	text VARCHAR NOT NULL, 
	CONSTRAINT pk_used_place PRIMARY KEY (name, path, line, form)
);
CREATE TABLE subsystem_person (
	address VARCHAR NOT NULL, 
	subsystem VARCHAR NOT NULL, 
	CONSTRAINT pk_subsystem_person PRIMARY KEY (address, subsystem)
);
CREATE INDEX ix_collision_name ON collision (name);
CREATE TABLE patch_check (
	message_id VARCHAR NOT NULL, 
	project VARCHAR NOT NULL, 
	posting_id VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	description VARCHAR NOT NULL, 
	target_url VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	due DATETIME NOT NULL, 
	posted DATETIME, 
	CONSTRAINT pk_patch_check PRIMARY KEY (message_id, project)
);
CREATE INDEX ix_patch_check_due ON patch_check (status, due);
CREATE INDEX ix_patch_check_posted ON patch_check (posted);
CREATE TABLE block (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	content BLOB NOT NULL
);
CREATE TRIGGER count_check_insert AFTER INSERT ON patch_check BEGIN 
INSERT INTO counter (name, label, value) SELECT 'check', NEW.status, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'check' AND label = NEW.status);
UPDATE counter SET value = value + 1 WHERE name = 'check' AND label = NEW.status; END;
CREATE TRIGGER count_check_delete AFTER DELETE ON patch_check BEGIN 
INSERT INTO counter (name, label, value) SELECT 'check', OLD.status, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'check' AND label = OLD.status);
UPDATE counter SET value = value + -1 WHERE name = 'check' AND label = OLD.status; END;
CREATE TRIGGER count_check_update AFTER UPDATE OF status ON patch_check WHEN OLD.status != NEW.status BEGIN 
INSERT INTO counter (name, label, value) SELECT 'check', OLD.status, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'check' AND label = OLD.status);
UPDATE counter SET value = value + -1 WHERE name = 'check' AND label = OLD.status;
INSERT INTO counter (name, label, value) SELECT 'check', NEW.status, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'check' AND label = NEW.status);
UPDATE counter SET value = value + 1 WHERE name = 'check' AND label = NEW.status; END;
CREATE TRIGGER count_check_outcome AFTER UPDATE OF status, attempts ON patch_check WHEN NEW.attempts > OLD.attempts OR NEW.status = 'withdrawn' AND OLD.status != 'withdrawn' BEGIN 
INSERT INTO counter (name, label, value) SELECT 'check-outcome', CASE NEW.status WHEN 'queued' THEN 'failed' ELSE NEW.status END, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'check-outcome' AND label = CASE NEW.status WHEN 'queued' THEN 'failed' ELSE NEW.status END);
UPDATE counter SET value = value + 1 WHERE name = 'check-outcome' AND label = CASE NEW.status WHEN 'queued' THEN 'failed' ELSE NEW.status END; END;
CREATE TABLE command_key (
	value VARCHAR NOT NULL, 
	command_mail VARCHAR NOT NULL, 
	CONSTRAINT pk_command_key PRIMARY KEY (value)
);
CREATE TABLE "posting_list" (
	list VARCHAR NOT NULL, 
	sent DATETIME NOT NULL, 
	posting_id VARCHAR NOT NULL, 
	CONSTRAINT pk_posting_list PRIMARY KEY (list, sent, posting_id)
)
 WITHOUT ROWID

;
CREATE INDEX ix_posting_list_posting_id ON posting_list (posting_id);
CREATE TABLE "posting_part" (
	message_id VARCHAR NOT NULL, 
	posting_id VARCHAR NOT NULL, 
	CONSTRAINT pk_posting_part PRIMARY KEY (message_id, posting_id)
)
 WITHOUT ROWID

;
CREATE INDEX ix_posting_part_posting_id ON posting_part (posting_id);
INSERT INTO alembic_version VALUES ('0029');
