"""Any embedding network in a TorchScript file: SSCD's published ones, or one of the user's own."""

from __future__ import annotations

import warnings
from pathlib import Path

from provenance.describe.model_file import digest, reason
from provenance.describe.preprocess import DEFAULT_SIDE, LEVELS, Recipe, parse_options
from provenance.errors import MissingExtraError, ModelError

try:
    import torch
except ModuleNotFoundError as error:
    raise MissingExtraError("a TorchScript model", "torch") from error

from provenance.describe.torch_model import TorchEmbedder, best_device


class TorchScriptEmbedder(TorchEmbedder):
    """Embeds pictures with a module saved by `torch.jit.save`.

    `spec` is "FILE[,side=N][,mean=imagenet|half|none][,fit=square|short]"; side 288 and ImageNet's mean are
    taken where nothing is said, as SSCD's files want. SSCD's authors bring the short side to 288 (fit=short)
    or squeeze to a square of 320 (side=320). Runs on CUDA where there is one; `device` overrides; torch has
    its own threads, whatever `threads` says. Raises UsageError for a wrong option, ModelError for a file that
    is missing, damaged, or no such module. Such a file is a program: take it from whom you trust.
    """

    def __init__(self, spec: str, *, name: str = "copy", threads: int = 0, device: str | None = None) -> None:
        file, options = parse_options(spec)
        path = Path(file).expanduser()
        side = options.side or DEFAULT_SIDE
        recipe = Recipe(side, side, options.fit, LEVELS[options.mean or "imagenet"])
        version = f"torchscript@{digest(path)[:12]},{recipe}"
        where = best_device(device)
        try:
            with warnings.catch_warnings():
                # torch recommends torch.export to whoever writes such files; here they are only read.
                warnings.simplefilter("ignore", FutureWarning)
                model = torch.jit.load(str(path), map_location=where)
        except (RuntimeError, ValueError, EOFError, OSError) as error:
            raise ModelError(
                f"{str(path)!r} cannot be loaded as TorchScript: {reason(error)}; give an undamaged file of "
                "torch.jit.save, or plain weights as timm:NAME:FILE or open_clip:MODEL:FILE"
            ) from error
        super().__init__(model, recipe, name=name, version=version, device=where, title=repr(str(path)))
