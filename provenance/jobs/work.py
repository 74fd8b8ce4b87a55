"""Threads that take up queued checks, deliver results and keep house, in any number of processes."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable

from provenance.errors import DatabaseError, ProvenanceError
from provenance.jobs.bench import Bench
from provenance.jobs.report import make_report
from provenance.jobs.webhooks import deliver
from provenance.ledger import CheckRecord
from provenance.pipeline import Provenance
from provenance.report import to_dict

BEAT_S = 4.0
LEASE_S = 20.0
"""A check whose beat stands still for so long is taken up again: five beats, for a busy machine."""
POLL_S = 0.5
PAUSE_S = 2.0
"""After trouble with the database."""
PURGE_EVERY_S = 600.0
PROGRESS_EVERY_S = 0.3
"""Progress is for people: a stage that is shorter is not written down."""

log = logging.getLogger(__name__)


class Workers:
    """The threads of one process. `start` and `stop` them; `wake` them when something was queued."""

    def __init__(self, library: Provenance, bench: Bench, *, lease_s: float = LEASE_S) -> None:
        self.name = secrets.token_hex(8)
        self._library = library
        self._bench = bench
        self._lease_s = lease_s
        self._limits = library.limits
        self._stopping = threading.Event()
        self._queued = threading.Condition()
        self._in_hand: dict[int, CheckRecord] = {}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin: a thread for each place of the bench, one that delivers, one that keeps house."""
        house = _House(self._library, self._lease_s)
        tasks: list[tuple[str, Callable[[], float], Callable[[float], object]]] = [
            *((f"check-{place}", self._take_check, self._wait) for place in range(self._bench.places)),
            ("deliver", self._take_delivery, self._stopping.wait),
            ("beat", self._beat, self._stopping.wait),
            ("house", house.look, self._stopping.wait),
        ]
        for name, task, wait in tasks:
            thread = threading.Thread(
                target=self._repeat, args=(task, wait), name=f"provenance-{name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def wake(self) -> None:
        """Let a thread look for work at once."""
        with self._queued:
            self._queued.notify()

    def _wait(self, seconds: float) -> None:
        with self._queued:
            self._queued.wait(seconds)

    def stop(self, patience_s: float = 30.0) -> None:
        """Take up nothing more, finish what is in hand; what takes too long goes back to the queue."""
        self._stopping.set()
        with self._queued:
            self._queued.notify_all()
        deadline = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for check in list(self._in_hand.values()):
            self._library.database.queue.release(check)
        self._threads.clear()

    def _repeat(self, task: Callable[[], float], wait: Callable[[float], object]) -> None:
        """Do a task again and again, after the pause it asks for; trouble is logged and waited out."""
        while not self._stopping.is_set():
            try:
                pause = task()
            except ProvenanceError as error:
                log.warning("%s", error)
                pause = PAUSE_S
            except Exception:
                # A thread that dies silently would leave accepted checks waiting for ever.
                log.exception("a task of the service failed")
                pause = PAUSE_S
            if pause and not self._stopping.is_set():
                wait(pause)

    # ------------------------------------------------------------ the tasks

    def _take_check(self) -> float:
        with self._bench.place():
            claimed = None if self._stopping.is_set() else self._library.database.queue.claim(self.name)
            if claimed is None:
                return POLL_S
            check, picture = claimed
            self._in_hand[check.check_id] = check
            try:
                self._make(check, picture)
            finally:
                self._in_hand.pop(check.check_id, None)
            return 0.0

    def _make(self, check: CheckRecord, picture: bytes | None) -> None:
        queue = self._library.database.queue
        reached = time.monotonic()

        def progress(stage: str) -> None:
            nonlocal reached
            if time.monotonic() - reached >= PROGRESS_EVERY_S:
                queue.reach(check, stage)
                reached = time.monotonic()

        try:
            made = make_report(self._library, check.options, picture, check.name, progress)
        except DatabaseError:
            queue.release(check)
            raise
        except ProvenanceError as error:
            queue.fail(check, str(error))
        except Exception:
            # Whoever asked is owed an answer, and the other checks their turn.
            log.exception("the check %s failed", check.token)
            queue.fail(check, "the service made a mistake with this picture; its log says which")
        else:
            queue.finish(check, to_dict(made.report), made.files)

    def _beat(self) -> float:
        self._library.database.queue.beat(self.name, list(self._in_hand))
        return min(BEAT_S, self._lease_s / 5)

    def _take_delivery(self) -> float:
        database = self._library.database
        delivery = database.deliveries.claim()
        if delivery is None:
            return 2 * POLL_S
        deliver(database, delivery, self._limits)
        return 0.0


class _House:
    """Watches the beats of all checks in hand, anywhere, and throws away what is too old."""

    def __init__(self, library: Provenance, lease_s: float) -> None:
        self._database = library.database
        self._lease_s = lease_s
        # Also without a history, a result must be there long enough to be fetched.
        self._keep_days = max(library.settings.service.keep_reports_days, 1 / 24)
        self._seen: dict[int, tuple[int, float]] = {}
        """Of each running check the beat, and when it was first seen, by this process's own clock."""
        self._purged = float("-inf")

    def look(self) -> float:
        """Look after everything once; returns when to look again, in seconds."""
        queue, now = self._database.queue, time.monotonic()
        beats = queue.beats()
        for check_id, beat in beats.items():
            seen_beat, since = self._seen.get(check_id, (None, now))
            if beat != seen_beat:
                self._seen[check_id] = (beat, now)
            elif now - since > self._lease_s:
                log.warning("nobody works on check %s any more: it is queued again", check_id)
                queue.requeue(check_id, beat)
        self._seen = {check_id: seen for check_id, seen in self._seen.items() if check_id in beats}
        if now - self._purged > PURGE_EVERY_S:
            self._database.checks.purge(keep_days=self._keep_days)
            self._purged = now
        return min(BEAT_S, self._lease_s / 5)
