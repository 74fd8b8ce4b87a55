"""Other ways to find a picture's original, each measured in a process of its own by benchmarks/peers.py.

protocol   what driver and worker write to each other: a plan, and JSON lines of answers
registry   the peers: the name of the row, where the class is, what to install
worker     runs one peer: ingest, then query by query
reading    pictures for peers, decoded with Pillow; search in rows of bits and of numbers
table      figures of all runs as one table

The other files hold one peer each, or a family of them. A worker may run in another interpreter: only `ours`
imports provenance, and only `table` its metrics.
"""
