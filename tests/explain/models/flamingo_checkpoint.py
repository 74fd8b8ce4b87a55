"""A tiny OpenFlamingo in a folder: a CLIP, an MPT and a checkpoint with the keys of the published ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.explain.models.checkpoints import make_tokenizer

WIDTH, PICTURE_WIDTH, HEADS, BLOCKS = 32, 16, 4, 3
INNER = 64 * 8


def make_flamingo(folder: Path, *, older: bool = False, gate: float = 1.0, every: int = 1) -> Path:
    """Save one; `older` names the language model's weights as mpt-1b does, else as mpt-7b."""
    import torch

    torch.manual_seed(0)
    tokenizer = make_tokenizer("<|endoftext|>", end="<|endoftext|>")
    tokenizer.pad_token = None
    language = make_language(len(tokenizer) + 8, older)
    language.save_pretrained(folder / "language")
    if older:
        _rename(folder / "language")
    tokenizer.save_pretrained(folder / "language")
    make_vision(folder / "vision")
    torch.save(make_checkpoint(len(tokenizer) + 3, gate, every), folder / "checkpoint.pt")
    return folder


def make_language(vocabulary: int, older: bool) -> Any:
    """A tiny MPT of transformers' own class."""
    import torch
    from transformers import MptConfig, MptForCausalLM

    config = MptConfig(
        d_model=WIDTH, n_heads=HEADS, n_layers=BLOCKS, expansion_ratio=4, max_seq_len=512,
        vocab_size=vocabulary, no_bias=True, tie_word_embeddings=True,
    )  # fmt: skip
    model = MptForCausalLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0.0, 1.5 / parameter.shape[-1] ** 0.5)
    return model


def make_vision(folder: Path) -> None:
    """A tiny CLIP with its image processor."""
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

    config = CLIPVisionConfig(
        hidden_size=PICTURE_WIDTH, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        image_size=28, patch_size=14, hidden_act="quick_gelu", initializer_factor=20.0,
    )  # fmt: skip
    CLIPVisionModel(config).save_pretrained(folder)
    size = {"height": 28, "width": 28}
    CLIPImageProcessor(size={"shortest_edge": 28}, crop_size=size).save_pretrained(folder)


def make_checkpoint(vocabulary: int, gate: float, every: int) -> dict[str, Any]:
    """Weights under the published keys: perceiver, crossings, and the embeddings with the added marks."""
    import torch

    found: dict[str, Any] = {"perceiver.latents": torch.randn(4, PICTURE_WIDTH)}

    def norm(key: str, width: int) -> None:
        found[f"{key}.weight"], found[f"{key}.bias"] = torch.ones(width), torch.zeros(width)

    def linear(key: str, into: int, out: int) -> None:
        found[f"{key}.weight"] = torch.randn(out, into) * 2 / into**0.5

    def attention(key: str, width: int, seen: int) -> None:
        linear(f"{key}.to_q", width, INNER)
        linear(f"{key}.to_kv", seen, 2 * INNER)
        linear(f"{key}.to_out", INNER, width)

    def forward(key: str, width: int) -> None:
        norm(f"{key}.0", width)
        linear(f"{key}.1", width, 4 * width)
        linear(f"{key}.3", 4 * width, width)

    for layer in range(2):
        norm(f"perceiver.layers.{layer}.0.norm_media", PICTURE_WIDTH)
        norm(f"perceiver.layers.{layer}.0.norm_latents", PICTURE_WIDTH)
        attention(f"perceiver.layers.{layer}.0", PICTURE_WIDTH, PICTURE_WIDTH)
        forward(f"perceiver.layers.{layer}.1", PICTURE_WIDTH)
    norm("perceiver.norm", PICTURE_WIDTH)
    for block in range(every - 1, BLOCKS, every):
        key = f"lang_encoder.transformer.blocks.{block}.gated_cross_attn_layer"
        norm(f"{key}.attn.norm", WIDTH)
        attention(f"{key}.attn", WIDTH, PICTURE_WIDTH)
        forward(f"{key}.ff", WIDTH)
        found[f"{key}.attn_gate"] = torch.tensor([gate])
        found[f"{key}.ff_gate"] = torch.tensor([gate])
    found["lang_encoder.transformer.wte.weight"] = torch.randn(vocabulary, WIDTH) * 0.3
    return found


def _rename(folder: Path) -> None:
    """Give a saved MPT the config and the keys of mpt-1b-redpajama-200b."""
    import torch
    from safetensors.torch import load_file

    file = folder / "model.safetensors"
    names = {
        "norm_1": "ln_1", "norm_2": "ln_2", "norm_f": "ln_f", "ffn.up_proj": "mlp.mlp_up",
        "ffn.down_proj": "mlp.mlp_down",
    }  # fmt: skip
    tensors = {}
    for key, value in load_file(file).items():
        for newer, older in names.items():
            key = key.replace(newer, older)
        tensors[key] = value
    for block in range(BLOCKS):
        for part in ("q_ln", "k_ln"):
            tensors[f"transformer.blocks.{block}.attn.{part}.weight"] = torch.ones(WIDTH)
    file.unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    config = {
        "model_type": "mosaic_gpt", "d_model": WIDTH, "n_heads": HEADS, "n_layers": BLOCKS, "mlp_ratio": 4,
        "alibi": True, "alibi_bias_max": 8, "attn_qk_ln": True, "no_bias": True, "vocab_size": 1,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
