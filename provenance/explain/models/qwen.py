"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL: pictures of any size, a token for each square of 28 or 32 pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance.explain.models.chat import ChatModel


class Qwen2VL(ChatModel):
    """Qwen2-VL, the best model of the DiffTell paper."""

    captioner = "qwen2-vl"
    families = frozenset({"qwen2_vl"})
    default = "Qwen/Qwen2-VL-7B-Instruct"

    def _picture_options(self) -> Mapping[str, Any]:
        """Never enlarge, never go over the cap."""
        side = self.token_side_px
        return {
            "size": {"shortest_edge": 4 * side**2, "longest_edge": self._options.picture_tokens * side**2}
        }


class Qwen25VL(Qwen2VL):
    """Qwen2.5-VL."""

    captioner = "qwen2.5-vl"
    families = frozenset({"qwen2_5_vl"})
    default = "Qwen/Qwen2.5-VL-7B-Instruct"


class Qwen3VL(Qwen2VL):
    """Qwen3-VL."""

    captioner = "qwen3-vl"
    families = frozenset({"qwen3_vl"})
    default = "Qwen/Qwen3-VL-8B-Instruct"
    token_side_px = 32
