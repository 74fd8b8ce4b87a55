"""Vision-language models in this process, through transformers: all whose processor has a chat template.

Families that want more than that inherit `ChatModel` in a short file of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from provenance.errors import ModelError
from provenance.explain.models import Answer, Question, Takes
from provenance.explain.models.devices import best_device, dtype, four_bit, keep_quiet, unloadable
from provenance.explain.models.local import LocalModel, pictures_of
from provenance.explain.models.weights import check_folder, find_weights, need_extra, revision_of
from provenance.explain.options import CaptionerOptions

FAMILIES = {
    "qwen2_vl": "qwen2-vl",
    "qwen2_5_vl": "qwen2.5-vl",
    "qwen3_vl": "qwen3-vl",
    "idefics3": "idefics3",
    "smolvlm": "smolvlm",
    "llava": "llava-interleave",
    "fuyu": "fuyu",
    "internvl": "internvl",
}
"""What config.json calls a family -> which captioner takes it."""


class ChatModel(LocalModel):
    """Any image-text-to-text model of transformers with a chat template.

    `spec` is a folder or ORG/NAME[@REVISION]. Answers greedily, in batches. Runs on a GPU in half precision
    where there is one, otherwise on the CPU. Never runs code of a checkpoint, never unpickles. Raises
    MissingExtraError without the extra, ModelError where the weights are missing, damaged or of another
    family, or the memory does not suffice.
    """

    captioner: ClassVar[str] = "vlm"
    families: ClassVar[frozenset[str]] = frozenset()
    """What it takes; empty: any."""
    default: ClassVar[str] = ""
    """The model where none is named."""
    chats: ClassVar[bool] = True
    """False: it has no chat template."""
    token_side_px: ClassVar[int] = 28
    """Side of the square of pixels that becomes one token."""

    def __init__(self, spec: str, options: CaptionerOptions) -> None:
        self._weights = find_weights(spec, default=self.default, captioner=self.captioner)
        check_folder(self._weights, self.families, FAMILIES, self.captioner)
        need_extra(f"captioner {self.captioner}")
        super().__init__(options.model)
        self.title = self._weights.title
        self._model: Any = None
        self._processor: Any = None
        self._revision = ""

    @property
    def name(self) -> str:
        """The captioner, the model and, once it is loaded, its revision."""
        revision = f"@{self._revision}" if self._revision else ""
        return f"{self.captioner}:{self.title}{revision}"

    @property
    def takes(self) -> Takes:
        """Pictures between the words, any number of them, made no larger than the settings say."""
        return Takes(
            self._options.pictures or None, pixels=self._options.picture_tokens * self.token_side_px**2
        )

    # ------------------------------------------------------------ for families that want more

    def _picture_options(self) -> Mapping[str, Any]:
        """What the processor is told of pictures, beside their size."""
        return {}

    def render(self, questions: Sequence[Question]) -> list[str]:
        """The prompts as texts, with the marks that stand for pictures."""
        ask = self.processor.apply_chat_template
        return [str(ask(_messages(one), add_generation_prompt=True, tokenize=False)) for one in questions]

    def _inputs(self, questions: Sequence[Question]) -> Any:
        """The tensors of a batch, padded on the left."""
        return self.processor(
            text=self.render(questions),
            images=[pictures_of(one) for one in questions],
            padding=True,
            return_tensors="pt",
            **self._text_options(),
            **self._picture_options(),
        )

    def _text_options(self) -> Mapping[str, Any]:
        """A template that writes the beginning-of-text token must not get another."""
        begin = getattr(self.processor.tokenizer, "bos_token", None)
        template = self.processor.chat_template or ""
        return (
            {"add_special_tokens": False} if begin and (begin in template or "bos_token" in template) else {}
        )

    # ------------------------------------------------------------ loading and running

    def _source(self) -> dict[str, Any]:
        return {"revision": self._weights.revision, "local_files_only": self._options.offline}

    @property
    def processor(self) -> Any:
        """What turns texts and pictures into tensors."""
        if self._processor is None:
            from transformers import AutoProcessor

            keep_quiet()
            try:
                self._processor = AutoProcessor.from_pretrained(self._weights.source, **self._source())
            except unloadable() as error:
                raise self._unloadable(error) from error
            if self.chats and not getattr(self._processor, "chat_template", None):
                raise ModelError(
                    f"{self.title} has no chat template, so it cannot be asked; take another model"
                )
            tokenizer = self._processor.tokenizer
            tokenizer.padding_side = "left"
            if tokenizer.pad_token_id is None:
                tokenizer.pad_token = tokenizer.eos_token
        return self._processor

    def _load(self) -> None:
        """Load the model. Raises ModelError with the cure."""
        import torch
        from transformers import AutoModelForImageTextToText

        options, pad = self._options, self.processor.tokenizer.pad_token_id
        device = options.device or best_device(torch)
        try:
            model = AutoModelForImageTextToText.from_pretrained(
                self._weights.source,
                dtype=dtype(torch, options.dtype, device),
                device_map=device,
                use_safetensors=True,
                quantization_config=four_bit(torch, device) if options.four_bit else None,
                **self._source(),
            ).eval()
        except torch.cuda.OutOfMemoryError as error:
            raise self._too_large("load the model") from error
        except unloadable() as error:
            raise self._unloadable(error) from error
        self._check_family(model.config.model_type)
        self._revision = revision_of(self._weights, model.config)
        model.generation_config.update(
            do_sample=False, num_beams=1, temperature=None, top_p=None, top_k=None, max_length=None,
            max_new_tokens=options.answer_tokens, pad_token_id=pad,
        )  # fmt: skip
        self._model = model

    def _check_family(self, family: str) -> None:
        if self.families and family not in self.families:
            raise ModelError(
                f"{self.title} is a {family} model, not {' or '.join(sorted(self.families))}: "
                f"write {FAMILIES.get(family, 'vlm')}:{self.title}"
            )

    def _run(self, questions: Sequence[Question]) -> list[Answer]:
        import torch

        inputs = self._inputs(questions)
        inputs = inputs.to(self._model.device, dtype=self._model.dtype)
        with torch.inference_mode():
            tokens = self._model.generate(**inputs)
        tokens = tokens[:, inputs["input_ids"].shape[1] :]
        texts = self.processor.batch_decode(tokens, skip_special_tokens=True)
        ends = self._model.generation_config.eos_token_id
        ending = [ends] if isinstance(ends, int) else list(ends or ())
        return [self._finish(text, row, ending) for text, row in zip(texts, tokens.tolist(), strict=True)]

    def _unloadable(self, error: Exception) -> ModelError:
        reason = next(
            (line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__
        )
        cure = "give an undamaged folder with config, processor and .safetensors files"
        if not self._weights.is_folder:
            cure = "check the name and the network, or download it elsewhere and give its folder"
            if self._options.offline:
                cure = "explain.model.offline is set and it is not on this machine: download it first"
        return ModelError(f"{self.title} cannot be loaded as {self.captioner}: {reason}; {cure}")


def _messages(question: Question) -> list[dict[str, Any]]:
    """Turns as chat templates take them; the pictures themselves go to the processor."""
    return [
        {
            "role": turn.role,
            "content": [
                {"type": "text", "text": part} if isinstance(part, str) else {"type": "image"}
                for part in turn.parts
            ],
        }
        for turn in question.turns
    ]
