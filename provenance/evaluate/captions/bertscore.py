"""BERTScore-F1 with a model folder of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from provenance.errors import MissingExtraError, ModelError, NotFoundError, UsageError
from provenance.evaluate.captions.answers import Answers
from provenance.evaluate.captions.scores import Score, ratio_score

# Of roberta-large, the layer that agrees best with people: bert_score's own default.
LAYER = 17
# Pairs whose sentences are embedded together.
_PAIRS = 64


def bertscore(systems: Sequence[Answers], *, folder: Path, layer: int = LAYER) -> list[tuple[Score, ...]]:
    """BERTScore-F1, best of a pair's references, no idf, no rescaling, mean over the pairs (Zhang et al.
    2020).

    `folder` holds a Hugging Face encoder and its tokeniser. Raises NotFoundError, ModelError or
    MissingExtraError where they cannot be loaded, UsageError where the encoder has fewer layers.
    """
    embed = _Embedder(folder, layer)
    return [(ratio_score("BERTScore-F1", _values(answers, embed)),) for answers in systems]


def _values(answers: Answers, embed: _Embedder) -> list[float]:
    values: list[float] = []
    for start in range(0, len(answers.answers), _PAIRS):
        said = answers.answers[start : start + _PAIRS]
        known = answers.references[start : start + _PAIRS]
        vectors = embed([*said, *(text for texts in known for text in texts)])
        values += [
            max(_f1(vectors.get(answer.strip()), vectors.get(text.strip())) for text in texts)
            for answer, texts in zip(said, known, strict=True)
        ]
    return values


def _f1(said: Any, known: Any) -> float:
    """F1 of two sentences' unit vectors; the first and last vector are only matched against."""
    if said is None or known is None:
        return 0.0
    alike = said @ known.T
    precision = float(alike[1:-1].max(dim=1).values.mean())
    recall = float(alike[:, 1:-1].max(dim=0).values.mean())
    return 2 * precision * recall / (precision + recall)


class _Embedder:
    """Sentences -> unit vectors of their word pieces, between the vectors of the two end marks."""

    def __init__(self, folder: Path, layer: int) -> None:
        if not (folder / "config.json").is_file():
            raise NotFoundError(
                f"{str(folder)!r}: no model folder; save one there, e.g. "
                "`hf download FacebookAI/roberta-large --local-dir FOLDER`"
            )
        try:
            import torch
            from transformers import AutoModel, AutoTokenizer
        except ImportError as error:
            raise MissingExtraError("BERTScore", "vlm") from error
        try:
            # A word is the same at the start of a sentence as inside: as bert_score's tokeniser does it.
            self._tokenizer = AutoTokenizer.from_pretrained(
                folder, add_prefix_space=True, local_files_only=True
            )
            model = AutoModel.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"{str(folder)!r}: cannot be loaded as a text encoder: {error}") from error
        if not 0 < layer <= model.config.num_hidden_layers:
            raise UsageError(
                f"{str(folder)!r} has layers 1 to {model.config.num_hidden_layers}, not {layer}: "
                "give --bertscore-layer"
            )
        self._layer, self._torch = layer, torch
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = model.eval().to(self._device)

    def __call__(self, sentences: Sequence[str]) -> dict[str, Any]:
        """Vectors by sentence, [pieces + 2, d]; none of empty ones."""
        different = sorted({text.strip() for text in sentences} - {""}, key=len)
        limit = min(self._tokenizer.model_max_length, self._model.config.max_position_embeddings - 2)
        vectors = {}
        for start in range(0, len(different), _PAIRS):
            part = different[start : start + _PAIRS]
            batch = self._tokenizer(
                part, return_tensors="pt", padding=True, truncation=True, max_length=limit
            ).to(self._device)
            with self._torch.inference_mode():
                hidden = self._model(**batch, output_hidden_states=True).hidden_states[self._layer]
            unit = self._torch.nn.functional.normalize(hidden, dim=-1)
            for text, rows, kept in zip(part, unit, batch["attention_mask"].bool(), strict=True):
                vectors[text] = rows[kept]
        return vectors
