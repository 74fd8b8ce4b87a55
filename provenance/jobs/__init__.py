"""Checks that are made later: accepted, queued in the database, worked on, reported exactly once.

bench      where checks are made, so many side by side
report     one check: its report, and the pictures to keep behind it
work       threads that take up what is queued, deliver results and keep house
webhooks   results signed and sent to callbacks

One mechanism serves SQLite and PostgreSQL: a table, and claims in the transaction of the one writer. A queue
of its own for PostgreSQL would be a second mechanism for the same promises, and could not store a report and
forget its picture in one transaction with the rest. Any number of processes may work on one database.
"""

from __future__ import annotations

from provenance.jobs.bench import Bench
from provenance.jobs.report import Made, compare_pair, make_report
from provenance.jobs.work import Workers

__all__ = ["Bench", "Made", "Workers", "compare_pair", "make_report"]
