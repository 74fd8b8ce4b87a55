"""MPT (MosaicML, 2023), the language model of OpenFlamingo, with gated cross-attention before blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from provenance.errors import ModelError
from provenance.explain.models.flamingo.layers import GatedCrossAttentionBlock

Cache = list[tuple[Tensor, Tensor]]
"""Keys and values [b, heads, n, d] of each block, of the words so far."""


@dataclass(frozen=True, slots=True)
class LanguageConfig:
    """The sizes of an MPT."""

    width: int
    heads: int
    blocks: int
    expansion: int
    bias: bool
    query_key_norm: bool
    clip: float | None
    alibi_bias_max: int

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> LanguageConfig:
        """From config.json of mpt-7b, or of the older mpt-1b. Raises ModelError for other models."""
        attention = config.get("attn_config") or {}
        if not (attention.get("alibi") or config.get("alibi")):
            raise ModelError(
                "the language model of OpenFlamingo must be an MPT with ALiBi, "
                f"not {config.get('model_type')!r}"
            )
        return cls(
            width=int(config["d_model"]),
            heads=int(config["n_heads"]),
            blocks=int(config["n_layers"]),
            expansion=int(config.get("expansion_ratio") or config.get("mlp_ratio") or 4),
            bias=not config.get("no_bias", False),
            query_key_norm=bool(attention.get("qk_ln") or config.get("attn_qk_ln")),
            clip=attention.get("clip_qkv") or config.get("attn_clip_qkv"),
            alibi_bias_max=int(attention.get("alibi_bias_max") or config.get("alibi_bias_max") or 8),
        )


class Attention(nn.Module):
    """Causal self-attention with a penalty for distance (ALiBi, Press et al., 2022) in place of positions."""

    def __init__(self, config: LanguageConfig) -> None:
        super().__init__()
        self.heads, self.clip = config.heads, config.clip
        self.Wqkv = nn.Linear(config.width, 3 * config.width, bias=config.bias)
        self.out_proj = nn.Linear(config.width, config.width, bias=config.bias)
        if config.query_key_norm:
            self.q_ln = nn.LayerNorm(config.width, bias=config.bias)
            self.k_ln = nn.LayerNorm(config.width, bias=config.bias)
        self.penalties = alibi_slopes(config.heads, config.alibi_bias_max)

    def forward(
        self, words: Tensor, present: Tensor, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Any]:
        """[b, n, d] words, [b, past + n] false for padding -> [b, n, d], and keys and values so far."""
        mixed = self.Wqkv(words)
        if self.clip:
            mixed = mixed.clamp(-self.clip, self.clip)
        queries, keys, values = mixed.chunk(3, dim=-1)
        if hasattr(self, "q_ln"):
            queries, keys = self.q_ln(queries), self.k_ln(keys)
        queries, keys, values = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (queries, keys, values)
        )
        if past is not None:
            keys, values = torch.cat((past[0], keys), dim=2), torch.cat((past[1], values), dim=2)
        found = nn.functional.scaled_dot_product_attention(
            queries, keys, values, attn_mask=self._bias(words.shape[1], present, queries.dtype)
        )
        return self.out_proj(found.transpose(1, 2).flatten(2)), (keys, values)

    def _bias(self, count: int, present: Tensor, dtype: torch.dtype) -> Tensor:
        """[b, heads, n, past + n]: the penalty for distance; lowest for padding and what comes later."""
        places = torch.arange(present.shape[1], device=present.device)
        distance = places[None, :] - places[-count:, None]
        slopes = torch.tensor(self.penalties, device=present.device)
        bias = slopes[:, None, None] * distance
        hidden = (distance > 0)[None, None] | ~present[:, None, None, :]
        # The lowest number, not infinity: padding that sees only padding must not become NaN.
        return bias[None].masked_fill(hidden, torch.finfo(dtype).min).to(dtype)


def alibi_slopes(heads: int, most: int) -> Sequence[float]:
    """The penalty of each head; head counts that are no power of two take every other one of the next."""
    power = 2 ** math.ceil(math.log2(heads))
    slopes = [2.0 ** -(n * most / power) for n in range(1, power + 1)]
    return slopes if power == heads else (slopes[1::2] + slopes[::2])[:heads]


class FeedForward(nn.Module):
    """Wider, GELU, back."""

    def __init__(self, config: LanguageConfig) -> None:
        super().__init__()
        self.up_proj = nn.Linear(config.width, config.expansion * config.width, bias=config.bias)
        self.down_proj = nn.Linear(config.expansion * config.width, config.width, bias=config.bias)

    def forward(self, words: Tensor) -> Tensor:
        """[b, n, d] -> [b, n, d]."""
        return self.down_proj(nn.functional.gelu(self.up_proj(words)))


class Block(nn.Module):
    """One decoder block."""

    def __init__(self, config: LanguageConfig) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(config.width, bias=config.bias)
        self.attn = Attention(config)
        self.norm_2 = nn.LayerNorm(config.width, bias=config.bias)
        self.ffn = FeedForward(config)

    def forward(
        self, words: Tensor, present: Tensor, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Any]:
        """As Attention."""
        told, kept = self.attn(self.norm_1(words), present, past)
        words = words + told
        return words + self.ffn(self.norm_2(words)), kept


class FlamingoLanguage(nn.Module):
    """MPT that looks at pictures before every `every`-th block; output weights are those of the input."""

    def __init__(self, config: LanguageConfig, *, vocabulary: int, picture_width: int, every: int) -> None:
        super().__init__()
        self.wte = nn.Embedding(vocabulary, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.crossings = nn.ModuleDict(
            {
                str(n): GatedCrossAttentionBlock(config.width, picture_width)
                for n in range(config.blocks)
                if (n + 1) % every == 0
            }
        )
        self.norm_f = nn.LayerNorm(config.width, bias=config.bias)

    def forward(
        self, ids: Tensor, media: Tensor, seen: Tensor, present: Tensor, cache: Cache | None = None
    ) -> tuple[Tensor, Cache]:
        """[b, n] ids, [b, t, l, p] latents, [b, n] pictures so far, [b, past + n] false for padding.

        Returns the logits [b, vocabulary] of what comes next, and the cache for going on.
        """
        words = self.wte(ids)
        kept: Cache = []
        for n, block in enumerate(self.blocks):
            if str(n) in self.crossings:
                words = self.crossings[str(n)](words, media, seen)
            words, pair = block(words, present, cache[n] if cache else None)
            kept.append(pair)
        return nn.functional.linear(self.norm_f(words[:, -1]), self.wte.weight), kept
