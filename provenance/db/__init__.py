"""Tables, transactions, references: the trusted pictures in SQLite or PostgreSQL.

database      what the rest of the program calls: Database
tables        the tables, typed
engine        connections; driver errors turned into ours
migrate       the schema's revision, brought up by Alembic (top-level alembic/)
read, write   questions and changes, each inside a transaction
integrity     what is damaged; whether two databases are the same
descriptors   descriptions <-> blobs
features      keypoints <-> one blob

What a service remembers, each as an attribute of Database:

service_tables   its tables
catalogue        the trusted set as a curator sees it
collections      named parts of it, enabled or not
keys             API keys, kept as digests
checks, queue    checks: for who asks, and for who works on them
deliveries       results on their way to callbacks
marks            what reviewers say of reports
audit            who did what
"""

from __future__ import annotations

from provenance.db.database import Database

__all__ = ["Database"]
