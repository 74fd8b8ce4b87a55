"""Where and how a model of torch runs: device, precision, 4 bits, and how much it says meanwhile."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from provenance.errors import ModelError


def keep_quiet() -> None:
    """Errors only, and bars only for somebody who watches."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    if not sys.stderr.isatty():
        logging.disable_progress_bar()


def best_device(torch: Any) -> str:
    """CUDA, Apple's GPU, or the CPU."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def dtype(torch: Any, asked: str, device: str) -> Any:
    """Half precision on GPUs, bfloat16 where they have it; single precision on the CPU, which has no half."""
    if asked != "auto":
        return getattr(torch, asked)
    if device == "cpu":
        return torch.float32
    return torch.bfloat16 if device != "mps" and torch.cuda.is_bf16_supported() else torch.float16


def unloadable() -> tuple[type[Exception], ...]:
    """What transformers, safetensors, the hub and torch raise for weights that they cannot use."""
    from safetensors import SafetensorError

    known = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError)
    return (*known, SafetensorError)


def four_bit(torch: Any, device: str) -> Any:
    """NF4 with double quantisation (Dettmers et al., QLoRA, 2023)."""
    from transformers import BitsAndBytesConfig

    if find_spec("bitsandbytes") is None:
        raise ModelError("explain.model.four_bit needs bitsandbytes: pip install bitsandbytes")
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype(torch, "auto", device),
    )
