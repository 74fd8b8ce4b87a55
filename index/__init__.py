"""Vector engines behind one small interface; knows no images and no SQL schema.

interface     the Protocol that every engine keeps
manifest      what a saved index is, and which files hold it
storage       how it lies on disk: a base and deltas, atomic save, checked load
journal       what changed since the last save
exact         "exact": numpy, brute force; the executable specification
faiss_engine  "faiss": FAISS, flat, then inverted lists; on a GPU where faiss finds one
"""

from __future__ import annotations

from importlib import import_module

from index.interface import Ids, Metric, VectorIndex, Vectors

__all__ = ["ENGINES", "Ids", "Metric", "VectorIndex", "Vectors", "open_engine"]

ENGINES = {
    "exact": "index.exact:ExactIndex",
    "faiss": "index.faiss_engine:FaissIndex",
}


def open_engine(name: str) -> type[VectorIndex]:
    """Return the class of an engine, "exact" or "faiss", loading its library now.

    Raises ValueError with the known names for another name.
    """
    if name not in ENGINES:
        raise ValueError(f"no vector engine {name!r}: choose one of {', '.join(sorted(ENGINES))}")
    module, _, attribute = ENGINES[name].partition(":")
    engine: type[VectorIndex] = getattr(import_module(module), attribute)
    return engine
