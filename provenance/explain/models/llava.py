"""LLaVA-Interleave: several pictures, all before the text; each takes the same number of tokens."""

from __future__ import annotations

from dataclasses import replace

from provenance.explain.models import Takes
from provenance.explain.models.chat import ChatModel


class LlavaInterleave(ChatModel):
    """LLaVA-NeXT-Interleave, and other models of LLaVA's class."""

    captioner = "llava-interleave"
    families = frozenset({"llava"})
    default = "llava-hf/llava-interleave-qwen-7b-hf"

    @property
    def takes(self) -> Takes:
        """Its template puts all pictures of a message before its text."""
        return replace(super().takes, interleaved=False)
