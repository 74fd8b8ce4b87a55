"""Models on an OpenAI-compatible server: vLLM, SGLang, llama.cpp, Ollama, LM Studio, or OpenAI itself."""

from __future__ import annotations

import base64
import io
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from provenance.errors import ModelError, UsageError
from provenance.explain.models import Answer, Part, Question, Takes, Turn, cut_off
from provenance.explain.models.patience import NoAnswerError, Patience, RefusedError
from provenance.explain.options import CaptionerOptions
from provenance.records import Pixels

_FORM = "openai:URL#MODEL, e.g. openai:http://127.0.0.1:8000/v1#Qwen/Qwen2.5-VL-7B-Instruct"
_TOKEN_SIDE_PX = 28
_OPTIONAL = ("max_tokens", "temperature", "seed")
"""What some servers refuse; left out when they say so."""


class ServerModel:
    """Asks the model of that name at that address; without a name, the only one that the server has.

    Several questions are under way at once. Raises UsageError for an address of another form, ModelError
    where the server is down, refuses the key, or has no such model.
    """

    def __init__(self, spec: str, options: CaptionerOptions) -> None:
        address, _, self._model = spec.partition("#")
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"'openai:{spec}' names no server: write {_FORM}")
        self._url = address.rstrip("/") + ("" if parts.path.strip("/") else "/v1")
        self._host = parts.netloc.rpartition("@")[2]
        self._options = options
        self._said = ""
        self._lock = threading.Lock()
        self._ready = False
        self._refused: set[str] = set()
        self._patience = Patience(
            self._url, options.server, headers=_key(self._url, options.server.key_variable)
        )

    @property
    def name(self) -> str:
        """The model as the server calls it, once it has answered, and the server."""
        name = self._said or self._model or "model"
        # A server may call a model by its file; where that lies is nobody's business.
        return f"openai:{PurePath(name).name if name.startswith('/') else name}@{self._host}"

    @property
    def takes(self) -> Takes:
        """Any number of pictures, unless the settings say less."""
        options = self._options.model
        return Takes(options.pictures or None, pixels=options.picture_tokens * _TOKEN_SIDE_PX**2)

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Return one answer for each question; what fails after all tries is an empty one that says why."""
        with self._lock:
            if not self._ready:
                self._model = self._find_model()
                self._ready = True
        with ThreadPoolExecutor(self._options.server.parallel) as pool:
            return list(pool.map(self._answer, questions))

    def _find_model(self) -> str:
        """The model asked for, or the server's only one. Raises ModelError that lists what it has."""
        try:
            listed = self._patience.get("models")
        except RefusedError as error:
            if error.status in (404, 405, 501) and self._model:
                return self._model  # a server that lists no models may still answer
            raise ModelError(str(error)) from error
        except NoAnswerError as error:
            raise ModelError(str(error)) from error
        rows = listed.get("data") or listed.get("models") or []
        names = [str(row.get("id") or row.get("name")) for row in rows if isinstance(row, Mapping)]
        if not self._model and len(names) == 1:
            return names[0]
        if not self._model or (names and not {self._model, f"{self._model}:latest"} & set(names)):
            asked = f"no model {self._model!r}" if self._model else "several models"
            known = ", ".join(names[:8]) or "none"
            raise ModelError(f"the server at {self._url} has {asked}; it lists: {known}; write {_FORM}")
        return self._model

    def _answer(self, question: Question) -> Answer:
        body = {
            "model": self._model,
            "messages": [as_message(turn) for turn in question.turns],
            "max_tokens": self._options.model.answer_tokens,
            "temperature": 0,
            "seed": 0,
        }
        try:
            return self._read(self._post(body))
        except NoAnswerError as error:
            return Answer("", str(error))
        except RefusedError as error:
            if error.status in (401, 403, 404):
                raise ModelError(str(error)) from error
            return Answer("", str(error))

    def _post(self, body: dict[str, Any]) -> Mapping[str, Any]:
        """Send a question, without the parameters that this server refuses."""
        while True:
            sent = {key: value for key, value in body.items() if key not in self._refused}
            if "max_tokens" in self._refused:
                sent["max_completion_tokens"] = body["max_tokens"]
            try:
                return self._patience.post("chat/completions", sent)
            except RefusedError as error:
                named = [key for key in _OPTIONAL if key in sent and key in str(error)]
                if error.status not in (400, 422) or not named:
                    raise
                self._refused.add(named[0])

    def _read(self, data: Mapping[str, Any]) -> Answer:
        """The text of a completion, and what a reader should know of it."""
        try:
            choice = data["choices"][0]
            content = choice["message"].get("content")
        except (KeyError, IndexError, TypeError, AttributeError):
            return Answer("", "the server answered without a message")
        if isinstance(content, list):
            content = "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
        text = content if isinstance(content, str) else ""
        remarks = []
        said = data.get("model")
        if isinstance(said, str) and said:
            self._said = said
            if not said.startswith(self._model.removesuffix(":latest")):
                remarks.append(f"the server says that it answered with {said!r}, not with {self._model!r}")
        if choice.get("finish_reason") == "length":
            text, remark = astuple(cut_off(text, self._options.model.answer_tokens))
            remarks.append(remark)
        if choice.get("finish_reason") == "content_filter":
            remarks.append("the server's filter held the answer back")
        return Answer(text, "; ".join(remarks) or None)


def as_message(turn: Turn) -> dict[str, Any]:
    """A turn as the chat-completions interface has it; text alone stays a string."""
    if all(isinstance(part, str) for part in turn.parts):
        return {"role": turn.role, "content": "".join(str(part) for part in turn.parts)}
    return {"role": turn.role, "content": [_part(part) for part in turn.parts]}


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{_jpeg(part)}"}}


def _jpeg(pixels: Pixels) -> str:
    """The picture as base64 JPEG, which every server reads; no coarser than the edits it shows."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "JPEG", quality=95, subsampling=0)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _key(url: str, variable: str) -> dict[str, str]:
    """The header with the key of the environment. Raises UsageError where it would travel in the open."""
    key = os.environ.get(variable, "").strip()
    if not key:
        return {}
    if urlsplit(url).scheme == "http" and not _is_near(urlsplit(url).hostname or ""):
        raise UsageError(
            f"the key in {variable} would be sent unencrypted to {url}: write https, "
            "or name another variable in explain.server.key_variable"
        )
    return {"Authorization": f"Bearer {key}"}


def _is_near(host: str) -> bool:
    """Tell whether a host is this machine or one of a private network."""
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".internal", ".lan"))
