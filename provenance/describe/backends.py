"""Who may make the copy descriptor: the built-in network, or a model the user names."""

from __future__ import annotations

import importlib
from pathlib import Path

from provenance.describe.copy_descriptor import CopyDescriptor
from provenance.describe.embedder import Embedder
from provenance.describe.preprocess import split_options
from provenance.errors import UsageError

BUILTIN = "builtin"
BACKENDS = {
    "onnx": "provenance.describe.onnx_file:OnnxEmbedder",
    "torchscript": "provenance.describe.torchscript_file:TorchScriptEmbedder",
    "timm": "provenance.describe.timm_model:TimmEmbedder",
    "open_clip": "provenance.describe.clip:ClipEmbedder",
}
"""By the word before the first colon; each takes what comes after it, and `name` and `threads`."""
FORMS = "builtin, onnx:FILE, torchscript:FILE, timm:NAME[:FILE], open_clip:MODEL:TAG or open_clip:MODEL:FILE"


def copy_embedder(spec: str = BUILTIN, *, threads: int = 0) -> Embedder:
    """The embedder called "copy" that `spec` names.

    Raises UsageError for a spec of no known form, and MissingExtraError and ModelError as the back ends do.
    """
    if spec == BUILTIN:
        return CopyDescriptor(threads=threads)
    kind, _, rest = anchored(spec).partition(":")
    if kind not in BACKENDS or not rest:
        raise UsageError(f"{spec!r} names no copy model: write {FORMS}")
    module, name = BACKENDS[kind].split(":")
    embedder: Embedder = getattr(importlib.import_module(module), name)(rest, name="copy", threads=threads)
    return embedder


def anchored(spec: str) -> str:
    """The spec with its file's absolute path, so that it means the same from every folder."""
    kind, colon, rest = spec.partition(":")
    if kind in ("timm", "open_clip"):
        model, second, rest = rest.partition(":")
        colon += model + second
    file, options = split_options(rest)
    path = Path(file).expanduser()
    return f"{kind}{colon}{path.absolute()}{options}" if file and path.is_file() else spec
