"""The OpenAPI document is true: what it promises is answered, whatever is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("schemathesis", reason="needs the package schemathesis")

from tests.service.fuzzing import fuzz, open_schema, operations

CASES = 2
"""Right and wrong ones of each operation; `python -m benchmarks.service_fuzz` sends thousands."""


def test_what_the_document_promises_is_answered(tmp_path: Path) -> None:
    library, schema = open_schema(tmp_path)
    with library:
        assert sum(fuzz(operation, CASES) for operation in operations(schema)) > 50
