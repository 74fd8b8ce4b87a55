"""Idefics3 and SmolVLM: a picture is cut into square tiles, each of a fixed number of tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance.explain.models.chat import ChatModel


class Idefics3(ChatModel):
    """Idefics3; as many tiles as the cap on tokens leaves room for, one on a CPU."""

    captioner = "idefics3"
    families = frozenset({"idefics3"})
    default = "HuggingFaceM4/Idefics3-8B-Llama3"

    def _picture_options(self) -> Mapping[str, Any]:
        """n x n tiles and one of the whole picture, or that one alone."""
        tile = self.processor.image_processor.max_image_size["longest_edge"]
        most = self._options.picture_tokens // self.processor.image_seq_len
        side = int(max(most - 1, 0) ** 0.5)
        if side < 2 or self._model.device.type == "cpu":
            return {"do_image_splitting": False, "size": {"longest_edge": tile}}
        return {"do_image_splitting": True, "size": {"longest_edge": side * tile}}


class SmolVLM(Idefics3):
    """SmolVLM and SmolVLM2."""

    captioner = "smolvlm"
    families = frozenset({"smolvlm", "idefics3"})
    default = "HuggingFaceTB/SmolVLM2-2.2B-Instruct"
