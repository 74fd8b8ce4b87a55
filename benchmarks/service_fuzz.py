"""Thousands of requests made up from the OpenAPI document: no server error, no answer outside the document.

python -m benchmarks.service_fuzz --cases 5000
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from pathlib import Path

from tests.service.fuzzing import fuzz, open_schema, operations


def main() -> None:
    """Fuzz every operation and print how many requests it stood."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=5000, help="requests in all, at least")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    started, total = time.perf_counter(), 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        library, schema = open_schema(Path(folder))
        with library:
            found = operations(schema)
            each = asked.cases // len(found) // 2
            while total < asked.cases:
                for operation in found:
                    sent = fuzz(operation, each)
                    total += sent
                    print(
                        f"{operation.method.upper():7} {operation.path:40} {sent:6} requests, no fault",
                        flush=True,
                    )
                each = max(each, (asked.cases - total) // len(found))
    print(f"{total} requests to {len(found)} operations in {time.perf_counter() - started:.0f} s: no fault")


if __name__ == "__main__":
    main()
