"""Any model of timm by name, with published weights or a local checkpoint; DINOv2 is among them."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provenance.describe.model_file import digest, nearest, reason
from provenance.describe.preprocess import LEVELS, Levels, Options, Recipe, parse_options
from provenance.errors import MissingExtraError, ModelError, UsageError

try:
    import timm
    from safetensors import SafetensorError  # type: ignore[import-not-found,unused-ignore]
except ModuleNotFoundError as error:
    raise MissingExtraError("a model of timm", "timm") from error

from provenance.describe.torch_model import TorchEmbedder, best_device

LOAD_ERRORS = (
    SafetensorError, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError, RuntimeError,
    AttributeError, AssertionError, OSError,
)  # fmt: skip
"""What torch.load, safetensors, the filters of timm and the hub raise."""


class TimmEmbedder(TorchEmbedder):
    """Embeds pictures with the pooled features of a timm model, its classifier left off.

    `spec` is "NAME[:FILE][,side=N][,mean=imagenet|half|none][,fit=square|short]". Without FILE, timm
    downloads the weights once. DINOv2 is vit_small_patch14_dinov2, vit_base_patch14_dinov2 and so on. Where
    nothing is said, side and levels are the model's own; the whole picture is squeezed to its square, as a
    crop would leave out what was copied. Runs on CUDA where there is one; `device` overrides; torch has its
    own threads, whatever `threads` says. Raises UsageError for an unknown name or a wrong option, ModelError
    where weights are missing, damaged, of another model, or cannot be downloaded.
    """

    def __init__(self, spec: str, *, name: str = "copy", threads: int = 0, device: str | None = None) -> None:
        text, options = parse_options(spec)
        model_name, _, file = text.partition(":")
        _require(model_name, bool(file))
        path = Path(file).expanduser() if file else None
        sha256 = digest(path) if path else ""
        model = _load(model_name, path)
        config = model.pretrained_cfg
        recipe = _recipe(model, options, config)
        tag = f"@{sha256[:12]}" if path else f".{config.get('tag')}"
        super().__init__(
            model,
            recipe,
            name=name,
            version=f"timm:{model_name.partition('.')[0]}{tag},{recipe}",
            device=best_device(device),
            title=f"timm's {model_name}",
        )


def _require(model_name: str, has_file: bool) -> None:
    """Raises UsageError that lists the nearest names."""
    bare, _, tag = model_name.partition(".")
    if not timm.is_model(bare):
        raise UsageError(f"timm has no model {bare!r}; {nearest(bare, timm.list_models())}")
    tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{bare}.*")]
    if tag and tag not in tags:
        raise UsageError(f"timm's {bare} has no weights {tag!r}; {nearest(tag, tags)}")
    if not has_file and not timm.models.is_model_pretrained(model_name):
        raise UsageError(f"timm has no weights for {model_name}: write timm:{model_name}:FILE")


def _load(model_name: str, path: Path | None) -> Any:
    """The model without its classifier."""
    try:
        model = timm.create_model(model_name, pretrained=path is None, num_classes=0)
        if path is not None:
            _fill(model, timm.models.load_state_dict(str(path)))
    except LOAD_ERRORS as error:
        if path is not None:
            cure = f"give a checkpoint of {model_name}, undamaged, as .pt or .safetensors"
            raise ModelError(
                f"{str(path)!r} cannot be loaded as {model_name}: {reason(error)}; {cure}"
            ) from error
        cure = f"check the network, or download the file elsewhere and write timm:{model_name}:FILE"
        raise ModelError(f"weights of {model_name} cannot be had: {reason(error)}; {cure}") from error
    return model


def _fill(model: Any, state: Mapping[str, Any]) -> None:
    """Load a checkpoint, with or without a classifier; raises ValueError where anything else is amiss."""
    # Published checkpoints of other codes (DINOv2's own) are renamed by the model's own filter.
    rename = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    found = model.load_state_dict(rename(state, model) if rename else state, strict=False)
    heads = model.pretrained_cfg.get("classifier") or ()
    prefixes = tuple(f"{head}." for head in ([heads] if isinstance(heads, str) else heads))
    strange = (
        [key for key in found.unexpected_keys if not key.startswith(prefixes)]
        if prefixes
        else list(found.unexpected_keys)
    )
    if found.missing_keys or strange:
        raise ValueError(
            f"{len(found.missing_keys)} weights are missing and {len(strange)} are strange to it, "
            f"e.g. {[*found.missing_keys, *strange][0]!r}"
        )


def _recipe(model: Any, options: Options, config: Mapping[str, Any]) -> Recipe:
    """The model's own input, as the options change it."""
    height, width = config["input_size"][1:]
    if options.side is not None and options.side not in (height, width):
        height = width = options.side
        if hasattr(model, "set_input_size"):
            try:
                model.set_input_size(img_size=(height, width))
            except (AssertionError, ValueError, RuntimeError) as error:
                raise UsageError(f"the model does not take side={options.side}: {reason(error)}") from error
    levels = LEVELS.get(options.mean or "") or Levels("own", tuple(config["mean"]), tuple(config["std"]))
    return Recipe(height, width, options.fit, levels)
