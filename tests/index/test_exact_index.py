"""The exact index keeps the contract; it is the specification of the others."""

from __future__ import annotations

from index.exact import ExactIndex
from tests.contracts.index_contract import IndexContract


class TestExactIndex(IndexContract):
    engine = ExactIndex
