# SPDX-License-Identifier: GPL-2.0-or-later
"""The language server: the messages of the protocol, and when a document is checked."""

import asyncio
import os
from collections.abc import Callable, Iterator
from functools import partial
from time import monotonic
from typing import Any, Final, TypeVar
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

from bot.kernel.edited import MAX_FILE
from bot.kernel.specs import RepositorySpecs
from bot.lsp.document import Report, Request, Survey, check, find_fixes, find_requirements, fix_all
from bot.lsp.options import LspOptions, read_editor_options
from bot.lsp.worker import Worker
from bot.mail.links import Links
from bot.pool.guard import Crashed
from bot.version import VERSION
from rules.finding import Edit, Finding, Severity
from rules.lint.rule import Rule, Status
from rules.registry import by_id

R = TypeVar("R")

DEBOUNCE_SECONDS: Final = 0.2
"""The time without a change after which a document is checked."""
_CANCEL_SECONDS: Final = 2.0  # An outdated check that takes longer is stopped.
_SOURCE: Final = "patchwarden"
_FIX_ALL: Final = types.CodeActionKind(types.CodeActionKind.SourceFixAll)
_SEVERITIES: Final = {
    Severity.BUG: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NIT: types.DiagnosticSeverity.Information,
    Severity.NOTE: types.DiagnosticSeverity.Hint,
}


class _Document:
    """An open document: its file, and the state of its check. The check of a `version` may be older than the text."""

    def __init__(self, uri: str, path: str) -> None:
        self.uri = uri
        self.path = path
        self.text = ""
        self.version: int | None = None
        self.survey: Survey | None = None
        self.findings: tuple[Finding, ...] = ()
        self.was_checked = False
        self.edited_at = 0.0
        self.due_at = 0.0

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")


class _Protocol(LanguageServerProtocol):
    """The protocol of pygls, which raises KeyError for a change of a document that is not open."""

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> Iterator[Any]:
        """Ignore a change of a document that is not open."""
        if unquote(params.text_document.uri) in self.workspace.text_documents:
            yield from super().lsp_text_document__did_change(params)


class Server:
    """The language server on standard input and output. `specs` returns the kernel repositories for a `tree` option."""

    def __init__(self, options: LspOptions, specs: Callable[[str], RepositorySpecs], links: Links) -> None:
        self._options = options
        self._load_specs = specs
        self._specs = specs(options.tree)
        self._links = links
        self._documents: dict[str, _Document] = {}
        self._due: set[_Document] = set()
        self._checks: asyncio.Task[None] | None = None
        self._checked: _Document | None = None
        self._check_began = 0.0
        self._run: asyncio.Task[Report | Crashed] | None = None
        self._problems: list[str] = []
        self._shown: set[str] = set()
        self._checker, self._helper = Worker(), Worker()
        self.is_shut_down = False
        self.protocol = LanguageServer(_SOURCE, VERSION, types.TextDocumentSyncKind.Full, protocol_cls=_Protocol)
        self._register()

    def close(self) -> None:
        """End the processes."""
        self._checker.close()
        self._helper.close()

    def _register(self) -> None:
        kinds = types.CodeActionOptions([types.CodeActionKind.QuickFix, _FIX_ALL])
        handlers: dict[str, Callable[..., object]] = {
            types.INITIALIZE: self._initialize,
            types.INITIALIZED: self._initialized,
            types.SHUTDOWN: self._shut_down,
            types.TEXT_DOCUMENT_DID_OPEN: self._opened,
            types.TEXT_DOCUMENT_DID_CHANGE: self._changed,
            types.TEXT_DOCUMENT_DID_SAVE: self._saved,
            types.TEXT_DOCUMENT_DID_CLOSE: self._closed,
            types.TEXT_DOCUMENT_HOVER: self._hover,
            types.TEXT_DOCUMENT_CODE_ACTION: self._code_actions,
        }
        for name, handler in handlers.items():
            options = kinds if name == types.TEXT_DOCUMENT_CODE_ACTION else None
            self.protocol.feature(name, options)(partial(handler))  # pygls sets attributes, which methods do not take

    def _initialize(self, params: types.InitializeParams) -> None:
        self._options, self._problems = read_editor_options(params.initialization_options, self._options)
        try:
            self._specs = self._load_specs(self._options.tree)
        except ValueError as error:
            self._problems.append(f"initializationOptions: tree: {error}")

    def _initialized(self, _: types.InitializedParams) -> None:
        for problem in self._problems:
            self._show(problem)

    def _shut_down(self, _: None) -> None:
        self.is_shut_down = True
        self._due.clear()
        if self._run is not None:
            self._run.cancel()

    def _opened(self, params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        path = _file_path(item.uri)
        if path is None:
            return
        self._forget(item.uri)
        document = self._documents[item.uri] = _Document(item.uri, path)
        self._forget_surveys()
        self._update(document, item.text, item.version, 0.0)

    def _changed(self, params: types.DidChangeTextDocumentParams) -> None:
        document = self._documents.get(params.text_document.uri)
        if document is not None and params.content_changes:
            text = params.content_changes[-1].text
            self._update(document, text, params.text_document.version, DEBOUNCE_SECONDS)

    def _saved(self, params: types.DidSaveTextDocumentParams) -> None:
        self._forget_surveys()
        for document in self._documents.values():
            if document.uri == params.text_document.uri:
                self._update(document, document.text, document.version, 0.0)
            else:
                self._plan(document, 0.0)

    def _closed(self, params: types.DidCloseTextDocumentParams) -> None:
        if self._forget(params.text_document.uri):
            uri = params.text_document.uri
            self.protocol.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def _forget(self, uri: str) -> bool:
        """Drop a document, and return whether it was open."""
        document = self._documents.pop(uri, None)
        if document is not None:
            self._due.discard(document)
        return document is not None

    def _forget_surveys(self) -> None:
        for document in self._documents.values():
            document.survey = None

    def _update(self, document: _Document, text: str, version: int | None, delay: float) -> None:
        """Take the text of a document, and plan its check."""
        document.text, document.version, document.edited_at = text, version, monotonic()
        self._plan(document, delay)

    def _plan(self, document: _Document, delay: float) -> None:
        """Check a document after the delay, unless it changes again meanwhile. Its earlier check is outdated."""
        document.due_at = monotonic() + delay
        self._due.add(document)
        is_slow = monotonic() - self._check_began > _CANCEL_SECONDS
        if self._run is not None and self._checked is document and document.was_checked and is_slow:
            self._run.cancel()
        if self._checks is None or self._checks.done():
            self._checks = asyncio.get_running_loop().create_task(self._check_all_due())

    async def _check_all_due(self) -> None:
        """Check the documents that are due, the one that was edited last first, until none is left."""
        while self._due:
            now = monotonic()
            ready = [document for document in self._due if document.due_at <= now]
            if ready:
                await self._check(max(ready, key=lambda document: document.edited_at))
            else:
                await asyncio.sleep(min(document.due_at for document in self._due) - now)

    async def _check(self, document: _Document) -> None:
        """Check a document, and publish the result if the document has not changed meanwhile."""
        self._due.discard(document)
        version, due_at = document.version, document.due_at
        if len(document.text) > MAX_FILE:
            report: Report | Crashed = Report(problems=(f"it is larger than {MAX_FILE // 1_000_000} MB",))
        else:
            self._checked, self._check_began = document, monotonic()
            self._run = asyncio.ensure_future(self._checker.run(check, self._request(document)))
            run, _ = await asyncio.wait([self._run])
            self._run = None
            if (done := run.pop()).cancelled():
                return
            report = done.result()
        if document.due_at == due_at and self._documents.get(document.uri) is document:
            self._publish(document, report, version)

    def _publish(self, document: _Document, report: Report | Crashed, version: int | None) -> None:
        if isinstance(report, Crashed):
            report = Report(problems=(report.reason,))
        document.was_checked = True
        document.survey, document.findings = report.survey, report.findings
        lines = document.lines
        diagnostics = [self._diagnostic(finding, lines) for finding in report.findings]
        for problem in report.problems:
            place = types.Range(types.Position(0, 0), types.Position(0, 0))
            text, severity = f"patchwarden did not check all of this: {problem}", types.DiagnosticSeverity.Information
            diagnostics.append(types.Diagnostic(place, text, severity, source=_SOURCE))
        published = types.PublishDiagnosticsParams(document.uri, diagnostics, version)
        self.protocol.text_document_publish_diagnostics(published)

    def _diagnostic(self, finding: Finding, lines: list[str]) -> types.Diagnostic:
        rule, anchor = by_id(finding.rule), finding.anchor
        line, column = anchor.line, getattr(anchor, "column", 1)
        end = len(lines[line - 1].rstrip()) + 1 if line <= len(lines) else 1
        is_preview = rule is not None and rule.status is Status.PREVIEW
        address = self._links.rule(finding.rule)
        return types.Diagnostic(
            self._range(Edit(line, min(column, end), line, end, ""), lines),
            f"{finding.message} (preview rule)" if is_preview else finding.message,
            _SEVERITIES[finding.severity],
            code=finding.rule,
            code_description=types.CodeDescription(address) if address else None,
            source=_SOURCE,
        )

    def _range(self, edit: Edit, lines: list[str]) -> types.Range:
        """Return the range of an edit in the units of the editor."""
        count = self.protocol.protocol.workspace.position_codec.client_num_units

        def position(line: int, column: int) -> types.Position:
            text = lines[line - 1] if line <= len(lines) else ""
            return types.Position(line - 1, count(text[: column - 1]))

        return types.Range(position(edit.line, edit.column), position(edit.end_line, edit.end_column))

    async def _hover(self, params: types.HoverParams) -> types.Hover | None:
        document = self._documents.get(params.text_document.uri)
        if document is None or len(document.text) > MAX_FILE:
            return None
        line = params.position.line + 1
        column = self._column(document, params.position)
        work = partial(find_requirements, line=line, column=column)
        found = await self._helper.run(work, self._request(document))
        sections = [
            f"**`{item.operation.callee}`** requires (`{item.origin}`):\n\n"
            + "\n".join(f"- {point.partition(': ')[2]}" for point in item.points)
            for item in (() if isinstance(found, Crashed) else found)
        ]
        rules = dict.fromkeys(finding.rule for finding in document.findings if finding.anchor.line == line)
        sections += [_explain(rule) for rule_id in rules if (rule := by_id(rule_id)) is not None]
        if not sections:
            return None
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, "\n\n---\n\n".join(sections)))

    def _column(self, document: _Document, position: types.Position) -> int:
        """Return the column, from 1 and in characters, of a position in the units of the editor."""
        lines = document.lines
        text = lines[position.line] if position.line < len(lines) else ""
        count, units = self.protocol.protocol.workspace.position_codec.client_num_units, 0
        for column, char in enumerate(text, 1):
            if units >= position.character:
                return column
            units += count(char)
        return len(text) + 1

    async def _code_actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        document = self._documents.get(params.text_document.uri)
        if document is None or len(document.text) > MAX_FILE:
            return []
        only = params.context.only
        version, lines = document.version, document.lines
        actions: list[types.CodeAction] = []
        if _asks_for(types.CodeActionKind.QuickFix, only):
            first, last = params.range.start.line + 1, params.range.end.line + 1
            work = partial(find_fixes, first=first, last=last)
            fixes = await self._helper.run(work, self._request(document))
            for fix in () if isinstance(fixes, Crashed) else fixes:
                action = self._action(f"Fix: {fix.message}", types.CodeActionKind.QuickFix, document, fix.edits, lines)
                action.diagnostics = [
                    self._diagnostic(finding, lines) for finding in document.findings if finding.subject == fix.subject
                ]
                action.is_preferred = True
                actions.append(action)
        if only and _asks_for(_FIX_ALL, only):
            edits = await self._helper.run(fix_all, self._request(document))
            if not isinstance(edits, Crashed) and edits:
                actions.append(self._action("Make all exact fixes of patchwarden", _FIX_ALL, document, edits, lines))
        return actions if document.version == version else []

    def _action(
        self, title: str, kind: types.CodeActionKind, document: _Document, edits: tuple[Edit, ...], lines: list[str]
    ) -> types.CodeAction:
        texts = [types.TextEdit(self._range(edit, lines), edit.text) for edit in edits]
        workspace = self.protocol.client_capabilities.workspace
        if workspace is not None and workspace.workspace_edit and workspace.workspace_edit.document_changes:
            name = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
            edit = types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(name, texts)])
        else:
            edit = types.WorkspaceEdit({document.uri: texts})
        return types.CodeAction(title, kind, edit=edit)

    def _request(self, document: _Document) -> Request:
        texts = {
            other.path: other.text.encode("utf-8", "replace")
            for other in self._documents.values()
            if len(other.text) <= MAX_FILE
        }
        options = self._options
        return Request(
            document.path, texts, options.base, self._specs, bool(options.tree), options.disabled, document.survey
        )

    def _show(self, problem: str) -> None:
        """Show a problem to the user, once."""
        if problem not in self._shown:
            self._shown.add(problem)
            message = types.ShowMessageParams(types.MessageType.Error, f"patchwarden: {problem}")
            self.protocol.window_show_message(message)


def _file_path(uri: str) -> str | None:
    """Return the path of a file, None for a document that is not a file."""
    parts = urlsplit(uri)
    path = os.fsdecode(unquote_to_bytes(parts.path))
    return path if parts.scheme == "file" and path.startswith("/") and "\0" not in path else None


def _asks_for(kind: types.CodeActionKind | str, only: object) -> bool:
    """Return whether an editor asks for actions of the kind: for all, for this one, or for one that includes it."""
    if not isinstance(only, list | tuple) or not only:
        return True
    name = str(getattr(kind, "value", kind))
    wanted: Iterator[str] = (str(getattr(item, "value", item)) for item in only)
    return any(not item or name == item or name.startswith(f"{item}.") for item in wanted)


def _explain(rule: Rule) -> str:
    """Return what a rule flags, why, and how to fix it, in Markdown."""
    return f"**{rule.id}**: {rule.summary}\n\n{rule.doc.strip()}"
