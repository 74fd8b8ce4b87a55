"""What a system said of pairs, beside what people said."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from provenance.evaluate.captions.tokens import tokenize


@dataclass(frozen=True)
class Answers:
    """What a system said of each pair, and what people did."""

    answers: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]

    @cached_property
    def tokenized(self) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
        """References and answers as pycocoevalcap takes them: words with blanks between, by number of the
        pair."""
        said = {number: [" ".join(tokenize(answer))] for number, answer in enumerate(self.answers)}
        known = {
            number: [" ".join(tokenize(text)) for text in texts]
            for number, texts in enumerate(self.references)
        }
        return known, said
