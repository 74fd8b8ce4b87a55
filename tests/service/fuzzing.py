"""Requests made up from the OpenAPI document, right ones and wrong ones, and what every answer must keep."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from PIL import Image
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from provenance import Provenance
from provenance.ledger import ANYBODY
from provenance.service import create_app


def no_mistake(context: Any, response: Any, case: Any) -> bool | None:
    """A server error, unless it says that words need a database made with CLIP."""
    return None if response.status_code == 501 else not_a_server_error(context, response, case)


CHECKS = [
    no_mistake,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_OPTIONS = {"requests_per_minute": 0, "hosts": ["testserver"], "check_timeout_s": 600}


def open_schema(home: Path) -> tuple[Provenance, Any]:
    """A library with one picture, and the document of a service over it."""
    library = Provenance(home, service=_OPTIONS, search={"deep_k": 0})
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    library.add(buffer.getvalue(), collections=[library.database.collections.create("one", by=ANYBODY).name])
    return library, schemathesis.openapi.from_asgi("/openapi.json", create_app(library))


def operations(schema: Any) -> list[Any]:
    """All operations of a document."""
    return [result.ok() for result in schema.get_all_operations()]


def fuzz(operation: Any, cases: int) -> int:
    """Send requests to one operation, right and wrong ones by halves; returns how many were sent."""
    sent = 0
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @settings(
            max_examples=cases, deadline=None, database=None, derandomize=True,
            suppress_health_check=list(HealthCheck), phases=(Phase.generate,),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Any) -> None:
            nonlocal sent
            sent += 1
            case.call_and_validate(checks=CHECKS)

        with suppress(Unsatisfiable):  # what takes no parameters cannot be asked wrongly
            send()
    return sent
