"""Vision, perceiver and language put together, and asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from provenance.errors import ModelError
from provenance.explain.models.flamingo.checkpoint import (
    Files,
    crossing_interval,
    name_language,
    part_checkpoint,
    read_config,
    read_tensors,
)
from provenance.explain.models.flamingo.language import FlamingoLanguage, LanguageConfig
from provenance.explain.models.flamingo.layers import PerceiverResampler


class Flamingo(nn.Module):
    """The three parts."""

    def __init__(self, vision: nn.Module, perceiver: PerceiverResampler, language: FlamingoLanguage) -> None:
        super().__init__()
        self.vision = vision
        self.perceiver = perceiver
        self.language = language

    def look(self, pixels: Tensor) -> Tensor:
        """[n, 3, h, w] pictures -> [n, l, d] latents."""
        # Before the last norm, as open_clip 2.20 gave them when OpenFlamingo was trained; later ones norm.
        tokens = self.vision(pixel_values=pixels).last_hidden_state[:, 1:]
        found: Tensor = self.perceiver(tokens[:, None])[:, 0]
        return found


def open_tokenizer(folder: Path, *marks: str) -> Any:
    """The tokenizer of the language model, with the marks that OpenFlamingo adds, in its order."""
    from tokenizers import AddedToken
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    *added, pad = marks
    if tokenizer.pad_token is None:
        added.append(pad)
    tokenizer.add_tokens([AddedToken(mark, special=True) for mark in added], special_tokens=True)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = pad
    tokenizer.padding_side = "left"
    return tokenizer


def assemble(files: Files, *, vocabulary: int, dtype: torch.dtype, device: str, offline: bool) -> Flamingo:
    """Load the three parts. Raises ModelError where one does not fit the others."""
    from transformers import CLIPVisionModel

    vision = CLIPVisionModel.from_pretrained(
        files.vision, dtype=dtype, use_safetensors=True, local_files_only=offline
    )
    perceiver, trained = part_checkpoint(read_tensors(files.checkpoint))
    width = perceiver["latents"].shape[1]
    if width != vision.config.hidden_size:
        raise ModelError(
            f"the checkpoint was trained on a vision model of width {width}, not {vision.config.hidden_size}"
        )
    tensors = name_language(read_tensors(files.language)) | trained
    tensors["wte.weight"] = tensors["wte.weight"][:vocabulary]
    known = len(tensors["wte.weight"])
    if known < vocabulary:
        raise ModelError(f"the checkpoint knows {known} tokens, its tokenizer {vocabulary}")
    depth = 1 + max(int(key.split(".")[1]) for key in perceiver if key.startswith("layers."))
    with torch.device("meta"):
        resampler = PerceiverResampler(width, depth=depth, latents=len(perceiver["latents"]))
        language = FlamingoLanguage(
            LanguageConfig.read(read_config(files.language)),
            vocabulary=vocabulary,
            picture_width=width,
            every=crossing_interval(trained),
        )
    _fill(resampler, perceiver, "perceiver")
    _fill(language, tensors, "language model")
    model: Flamingo = Flamingo(vision, resampler, language).to(device, dtype).eval()
    return model


def _fill(module: nn.Module, tensors: dict[str, Tensor], name: str) -> None:
    """Give a module its weights. Raises ModelError where they are those of another one."""
    expected = module.state_dict()
    wrong = sorted(key for key in expected if key not in tensors or tensors[key].shape != expected[key].shape)
    if wrong:
        raise ModelError(
            f"the {name} of OpenFlamingo lacks {len(wrong)} of {len(expected)} weights, as {wrong[0]!r}: "
            "checkpoint and language model do not belong together, or are damaged"
        )
    module.load_state_dict({key: tensors[key] for key in expected}, assign=True)


def generate(
    model: Flamingo,
    ids: Tensor,
    present: Tensor,
    pictures: Sequence[Tensor],
    *,
    picture: int,
    ending: Collection[int],
    most: int,
) -> list[list[int]]:
    """Go on with prompts [b, n], padded on the left where not `present`, always with the likeliest token.

    `pictures` are [t, 3, h, w] for each prompt, which marks their places with the token `picture`. Returns
    the new tokens of each, up to and with the first of `ending`, at most `most`.
    """
    with torch.inference_mode():
        return _generate(model, ids, present, pictures, picture, ending, most)


def _generate(
    model: Flamingo, ids: Tensor, present: Tensor, pictures: Sequence[Tensor], picture: int,
    ending: Collection[int], most: int,
) -> list[list[int]]:  # fmt: skip
    parameter = model.perceiver.latents
    device = parameter.device
    latents = [model.look(one.to(device, parameter.dtype)) for one in pictures]
    media = nn.utils.rnn.pad_sequence(latents, batch_first=True)
    ids, present = ids.to(device), present.to(device)
    seen = (ids == picture).cumsum(dim=1)
    rows: list[list[int]] = [[] for _ in range(len(ids))]
    cache = None
    for _ in range(most):
        logits, cache = model.language(ids, media, seen, present, cache)
        ids = logits.argmax(dim=-1, keepdim=True)
        seen = seen[:, -1:]
        present = torch.cat((present, torch.ones_like(ids, dtype=torch.bool)), dim=1)
        for row, token in zip(rows, ids[:, 0].tolist(), strict=True):
            if not row or row[-1] not in ending:
                row.append(token)
        if all(row[-1] in ending for row in rows):
            break
    return rows
