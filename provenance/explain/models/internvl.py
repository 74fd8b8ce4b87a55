"""InternVL: a picture is cut into tiles of 448 pixels and 256 tokens, and shown whole beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance.explain.models.chat import ChatModel


class InternVL(ChatModel):
    """InternVL3 and InternVL3.5 as converted for transformers (their names end in -hf)."""

    captioner = "internvl"
    families = frozenset({"internvl"})
    default = "OpenGVLab/InternVL3-8B-hf"

    def _picture_options(self) -> Mapping[str, Any]:
        """As many tiles as the cap leaves room for, beside the whole picture."""
        tiles = self._options.picture_tokens // self.processor.image_seq_length - 1
        return {"crop_to_patches": tiles > 1, "max_patches": max(tiles, 1)}
