# SPDX-License-Identifier: GPL-2.0-or-later
"""A service with a kernel repository, which checks series in a thread of the schedule and a process of its own."""

from pathlib import Path
from threading import Thread

from bot.app.service import open_service
from bot.cli.progress import Silent
from bot.pipeline.outcome import Outcome
from bot.settings.kernel import KernelRepository, KernelSettings
from bot.settings.tables import OutboxSettings, Settings
from rules.diff.tree import blob_id
from tests.bot.kernel.repositories import commit, repository
from tests.fakes.mails import START, git_archive, mail

HEADER = "int led_on(int number);\n"
AFTER = "int led_on(int number, int colour);\n"
FILES = {
    "rust/bindings/bindings_helper.h": "#include <linux/led.h>\n",
    "include/linux/led.h": HEADER,
    "rust/kernel/led.rs": "pub fn on() {\n    unsafe { bindings::led_on(1) };\n}\n",
}
DIFF = f"""\
diff --git a/include/linux/led.h b/include/linux/led.h
index {blob_id(HEADER.encode())[:12]}..{blob_id(AFTER.encode())[:12]} 100644
--- a/include/linux/led.h
+++ b/include/linux/led.h
@@ -1 +1 @@
-{HEADER}+{AFTER}"""


def test_what_breaks_rust_is_found_by_the_service_too(tmp_path: Path) -> None:
    kernel = repository(tmp_path / "kernel.git")
    commit(kernel, FILES, int(START.timestamp()) - 86_400, "v1")
    body = f"Light has a colour.\n\nSigned-off-by: Ada <ada@example.org>\n---\n{DIFF}-- \n2.47.0\n"
    archive = git_archive(tmp_path / "list.git", [mail("1@x", "[PATCH] led: colours", body=body)])
    settings = Settings(
        database=tmp_path / "warden.db",
        kernel=KernelSettings(
            repositories=(KernelRepository(path=tmp_path / "kernel.git"),), index=tmp_path / "index.sqlite"
        ),
        outbox=OutboxSettings(directory=tmp_path / "outbox"),
    )
    outcomes: list[Outcome] = []
    with open_service(settings, [archive], Silent()) as service:
        service.poll.run()
        scheduled = Thread(target=lambda: outcomes.extend(service.review.run()))
        scheduled.start()
        scheduled.join()
        reviewed = service.store.review_of("1@x")

    assert [(outcome.refused, outcome.failures) for outcome in outcomes] == [("", 0)]
    assert reviewed is not None
    assert "c-change-breaks-rust" in {entry.finding.rule for entry in reviewed.review.findings}
    assert reviewed.review.basis.base.startswith("v1 (")
