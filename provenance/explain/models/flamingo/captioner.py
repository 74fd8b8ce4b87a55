"""OpenFlamingo 3B and 9B as a captioner: pictures between the words, examples ended by <|endofchunk|>."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from provenance.errors import ModelError
from provenance.explain.models import Answer, Question, Takes
from provenance.explain.models.devices import best_device, dtype, keep_quiet, unloadable
from provenance.explain.models.local import LocalModel, pictures_of
from provenance.explain.models.weights import fingerprint, need_extra
from provenance.explain.options import CaptionerOptions

END, PICTURE, PAD = "<|endofchunk|>", "<image>", "<PAD>"


class OpenFlamingo(LocalModel):
    """Answers greedily, in batches. `spec` is 3b (default), 3b-instruct, 9b, or a folder, see `checkpoint`.

    Pictures are cut to the square in their middle, 224 px wide, as the model was trained; each word sees the
    picture right before it. Raises MissingExtraError without the extra, ModelError where weights are missing
    or damaged.
    """

    def __init__(self, spec: str, options: CaptionerOptions) -> None:
        need_extra("captioner openflamingo")
        from provenance.explain.models.flamingo.checkpoint import PUBLISHED, find_files

        super().__init__(options.model)
        self._spec = spec or "3b"
        if self._spec not in PUBLISHED:
            find_files(self._spec, offline=True)
        self.title = self._spec.rstrip("/").rpartition("/")[2]
        self._revision = ""
        self._model: Any = None
        self._tokenizer: Any = None
        self._pictures: Any = None

    @property
    def name(self) -> str:
        """The captioner, the model and, once it is loaded, a fingerprint of its checkpoint."""
        return f"openflamingo:{self.title}" + (f"@{self._revision}" if self._revision else "")

    @property
    def takes(self) -> Takes:
        """Any number of pictures, each of which becomes 64 latents; no system turn."""
        return Takes(self._options.pictures or None, system=False)

    def render(self, questions: Sequence[Question]) -> list[str]:
        """The prompts as texts: pictures, words, "Answer:", and after each example <|endofchunk|>."""
        return ["".join(render_turns(one)) for one in questions]

    def _load(self) -> None:
        import torch
        from transformers import AutoImageProcessor

        from provenance.explain.models.flamingo.assemble import assemble, open_tokenizer
        from provenance.explain.models.flamingo.checkpoint import find_files

        keep_quiet()
        options = self._options
        if options.four_bit:
            raise ModelError("OpenFlamingo does not run in 4 bits: unset explain.model.four_bit")
        files = find_files(self._spec, offline=options.offline)
        device = options.device or best_device(torch)
        try:
            self._tokenizer = open_tokenizer(files.language, END, PICTURE, PAD)
            self._pictures = AutoImageProcessor.from_pretrained(
                files.vision, local_files_only=options.offline
            )
            self._model = assemble(
                files, vocabulary=len(self._tokenizer), dtype=dtype(torch, options.dtype, device),
                device=device, offline=options.offline,
            )  # fmt: skip
        except torch.cuda.OutOfMemoryError as error:
            raise self._too_large("load the model") from error
        except unloadable() as error:
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ModelError(
                f"{self.title} cannot be loaded as openflamingo: {reason}; give its parts undamaged"
            ) from error
        self._revision = fingerprint([files.checkpoint])

    def _run(self, questions: Sequence[Question]) -> list[Answer]:
        from provenance.explain.models.flamingo.assemble import generate

        tokenizer, end = self._tokenizer, self._tokenizer.convert_tokens_to_ids(END)
        texts = tokenizer(self.render(questions), padding=True, return_tensors="pt")
        pictures = [pictures_of(one) for one in questions]
        pixels = self._pictures(
            [one for group in pictures for one in group], return_tensors="pt"
        ).pixel_values
        ending = {end, tokenizer.eos_token_id} - {None}
        rows = generate(
            self._model,
            texts["input_ids"],
            texts["attention_mask"].bool(),
            pixels.split([len(group) for group in pictures]),
            picture=tokenizer.convert_tokens_to_ids(PICTURE),
            ending=ending,
            most=self._options.answer_tokens,
        )
        said = tokenizer.batch_decode(rows, skip_special_tokens=True)
        return [self._finish(text, row, ending) for text, row in zip(said, rows, strict=True)]


def render_turns(question: Question) -> Iterator[str]:
    """The parts of a prompt: marks for pictures, words, "Answer:" for what comes next."""
    for turn in question.turns:
        yield " " if turn.role == "assistant" else ""
        yield from (part if isinstance(part, str) else PICTURE for part in turn.parts)
        yield END if turn.role == "assistant" else "\nAnswer:"
