"""Perceiver resampler and gated cross-attention (Flamingo, Alayrac et al. 2022) as OpenFlamingo trained it.

Modules are named by the keys of the published checkpoints; shapes: b batch, t pictures, n latents or tokens,
d width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

HEAD_WIDTH, HEADS = 64, 8


def feed_forward(width: int) -> nn.Sequential:
    """Norm, four times as wide, GELU, back; without biases but for the norm."""
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, 4 * width, bias=False),
        nn.GELU(),
        nn.Linear(4 * width, width, bias=False),
    )


def split_heads(x: Tensor) -> Tensor:
    """[..., n, heads * d] -> [..., heads, n, d]."""
    return x.unflatten(-1, (HEADS, HEAD_WIDTH)).transpose(-2, -3)


def join_heads(x: Tensor) -> Tensor:
    """[..., heads, n, d] -> [..., n, heads * d]."""
    return x.transpose(-2, -3).flatten(-2)


class PerceiverAttention(nn.Module):
    """Latents look at the tokens of a picture, and at themselves."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = HEAD_WIDTH * HEADS
        self.norm_media = nn.LayerNorm(width)
        self.norm_latents = nn.LayerNorm(width)
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_kv = nn.Linear(width, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, width, bias=False)

    def forward(self, tokens: Tensor, latents: Tensor) -> Tensor:
        """[b, t, v, d] and [b, t, n, d] -> [b, t, n, d]."""
        latents = self.norm_latents(latents)
        seen = torch.cat((self.norm_media(tokens), latents), dim=-2)
        keys, values = self.to_kv(seen).chunk(2, dim=-1)
        found = nn.functional.scaled_dot_product_attention(
            split_heads(self.to_q(latents)), split_heads(keys), split_heads(values)
        )
        return self.to_out(join_heads(found))


class PerceiverResampler(nn.Module):
    """Any number of tokens of a picture -> a fixed number of latents."""

    def __init__(self, width: int, *, depth: int, latents: int) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.empty(latents, width))
        self.layers = nn.ModuleList(
            nn.ModuleList([PerceiverAttention(width), feed_forward(width)]) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """[b, t, v, d] -> [b, t, n, d]."""
        latents = self.latents.expand(*tokens.shape[:2], *self.latents.shape)
        for attention, forward in self.layers:
            latents = attention(tokens, latents) + latents
            latents = forward(latents) + latents
        return self.norm(latents)


class MaskedCrossAttention(nn.Module):
    """Words look at the latents of the picture right before them, and of no other."""

    def __init__(self, width: int, picture_width: int) -> None:
        super().__init__()
        inner = HEAD_WIDTH * HEADS
        self.norm = nn.LayerNorm(width)
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_kv = nn.Linear(picture_width, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, width, bias=False)

    def forward(self, words: Tensor, media: Tensor, seen: Tensor) -> Tensor:
        """[b, n, d] words, [b, t, l, p] latents, [b, n] number of pictures so far -> [b, n, d]."""
        pictures, latents = media.shape[1:3]
        keys, values = self.to_kv(media.flatten(1, 2)).chunk(2, dim=-1)
        numbers = torch.arange(1, pictures + 1, device=words.device).repeat_interleave(latents)
        allowed = (seen[:, :, None] == numbers)[:, None]
        # A word before all pictures would look at nothing: it looks everywhere, and what it finds is dropped.
        allowed = allowed | (seen == 0)[:, None, :, None]
        found = nn.functional.scaled_dot_product_attention(
            split_heads(self.to_q(self.norm(words))),
            split_heads(keys),
            split_heads(values),
            attn_mask=allowed,
        )
        return self.to_out(join_heads(found) * (seen > 0)[:, :, None])


class GatedCrossAttentionBlock(nn.Module):
    """Cross-attention and a feed-forward layer, each behind a gate that training opens from zero."""

    def __init__(self, width: int, picture_width: int) -> None:
        super().__init__()
        self.attn = MaskedCrossAttention(width, picture_width)
        self.attn_gate = nn.Parameter(torch.zeros(1))
        self.ff = feed_forward(width)
        self.ff_gate = nn.Parameter(torch.zeros(1))

    def forward(self, words: Tensor, media: Tensor, seen: Tensor) -> Tensor:
        """As MaskedCrossAttention."""
        words = self.attn(words, media, seen) * self.attn_gate.tanh() + words
        return self.ff(words) * self.ff_gate.tanh() + words
