"""Models on a server: the right questions are sent, and every fault of a server has its plain words."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from provenance.errors import ModelError, UsageError
from provenance.explain.models import Answer, Model, Question, Turn
from provenance.explain.models import patience as patience_module
from provenance.explain.models.server import ServerModel, as_message
from provenance.explain.options import CaptionerOptions, ModelOptions, ServerOptions
from tests.contracts.model_contract import ModelContract
from tests.explain.models.openai_server import (
    Server,
    broken_off,
    endless,
    not_json,
    serve,
    slow,
    status,
)
from tests.explain.pairs import make_pair

OPTIONS = CaptionerOptions(server=ServerOptions(timeout_s=5.0, tries=3))


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited between tries, without waiting."""
    pauses: list[float] = []
    make = patience_module.Patience.__init__

    def without_sleep(self: Any, *given: Any, **named: Any) -> None:
        make(self, *given, **named, sleep=pauses.append)

    monkeypatch.setattr(patience_module.Patience, "__init__", without_sleep)
    return pauses


def make_question(text: str = "What is the difference?", seed: int = 0) -> Question:
    pair = make_pair(seed=seed)
    pictures = (pair.reference.pixels, pair.query.pixels)
    return Question(*pictures, (Turn("system", ("Be brief.",)), Turn("user", (*pictures, text))))


def connect(server: Server, name: str = "#tiny-vlm", **given: Any) -> ServerModel:
    options = replace(OPTIONS, server=replace(OPTIONS.server, **given)) if given else OPTIONS
    return ServerModel(f"{server.url}{name}", options)


def ask(server: Server, **given: Any) -> Answer:
    [answer] = connect(server, **given).answer([make_question()])
    return answer


class TestServerModel(ModelContract):
    @pytest.fixture
    def model(self, server: Server) -> Model:
        return connect(server)


# ---------------------------------------------------------------- what is sent


def test_a_question_is_sent_in_the_published_form(server: Server) -> None:
    assert ask(server).text.startswith("A thing numbered")
    [body] = server.bodies
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("tiny-vlm", 0, 256)
    system, user = body["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert [part["type"] for part in user["content"]] == ["image_url", "image_url", "text"]


def test_questions_are_under_way_at_once_but_not_too_many(server: Server) -> None:
    server.delay_s = 0.1
    questions = [make_question(str(n)) for n in range(12)]
    answers = connect(server, parallel=3).answer(questions)
    assert len({answer.text for answer in answers}) == 12
    assert server.busiest == 3


def test_the_only_model_need_not_be_named(server: Server) -> None:
    model = connect(server, "")
    model.answer([make_question()])
    assert server.bodies[0]["model"] == "tiny-vlm"
    assert model.name == f"openai:tiny-vlm@{server.url.removeprefix('http://').removesuffix('/v1')}"


def test_the_key_comes_from_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.key = "secret"
    with pytest.raises(ModelError, match=r"refuses the key .* put it in the environment as OPENAI_API_KEY"):
        ask(server)
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert ask(server).text


def test_a_key_does_not_travel_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with pytest.raises(UsageError, match="unencrypted"):
        ServerModel("http://models.example.org/v1#m", OPTIONS)
    for url in ("https://models.example.org/v1", "http://localhost:1/v1", "http://192.168.1.7:8000/v1"):
        ServerModel(f"{url}#m", OPTIONS)


def test_parameters_that_a_server_refuses_are_left_out(server: Server) -> None:
    server.refuses = frozenset({"max_tokens", "temperature"})
    model = connect(server)
    assert all(answer.text for answer in model.answer([make_question(), make_question("again")]))
    assert server.bodies[-1]["max_completion_tokens"] == 256
    assert not server.bodies[-1].keys() & server.refuses


@pytest.mark.parametrize("spec", ["", "#m", "localhost:8000/v1#m", "ftp://host/v1#m", "http://#m"])
def test_an_address_of_another_form_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match=r"write openai:URL#MODEL"):
        ServerModel(spec, OPTIONS)


def test_the_test_server_satisfies_the_official_client(server: Server) -> None:
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(base_url=server.url, api_key="none", max_retries=0)
    assert [model.id for model in client.models.list()] == ["tiny-vlm"]
    messages = [as_message(turn) for turn in make_question().turns]
    completion = client.chat.completions.create(model="tiny-vlm", messages=messages, max_tokens=256)
    assert completion.choices[0].message.content == ask(server).text
    server.always = status(429)
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="tiny-vlm", messages=messages)


# ---------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize(
    "fault", [status(500), status(503), status(429), not_json, broken_off], ids=lambda fault: str(fault)[:30]
)
def test_what_passes_is_tried_again(server: Server, waited: list[float], fault: Any) -> None:
    server.faults = [fault, fault]
    assert ask(server).text
    assert len(waited) == 2
    assert 0.3 < waited[0] < waited[1] < 2


def test_the_server_says_how_long_to_wait(server: Server, waited: list[float]) -> None:
    soon = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 20))
    server.faults = [status(429, Retry_After="7"), status(503, Retry_After=soon)]
    assert ask(server).text
    assert waited[0] == 7
    assert 15 < waited[1] <= 20


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (status(500, "CUDA error"), "is in trouble (HTTP 500: CUDA error) (3 tries)"),
        (status(429, "slow down"), "is rate-limited (HTTP 429: slow down)"),
        (status(429, "quota", Retry_After="3600"), "it asks to wait 3600 s"),
        (status(400, "at most 1 image"), "refuses the question (HTTP 400: at most 1 image)"),
        (not_json, "no JSON object"),
        (broken_off, "broke off"),
        (endless, "endless"),
        (slow(3.0), "no answer within 1 s: raise explain.server.timeout_s"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_does_not_pass_is_an_empty_answer_that_says_why(
    server: Server, waited: list[float], fault: Any, words: str
) -> None:
    server.always = fault
    answer = ask(server, timeout_s=1.0)
    assert answer.text == ""
    assert answer.remark
    assert words in answer.remark


def test_one_question_that_fails_does_not_spoil_the_others(server: Server, waited: list[float]) -> None:
    server.faults = [status(400, "too large")]
    first, second = connect(server, parallel=1).answer([make_question(), make_question("other")])
    assert not first.text
    assert second.text


def test_a_server_that_is_down_is_an_error_that_says_so(waited: list[float]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(
        ModelError, match=rf"nothing answers at http://127.0.0.1:{port}/v1: is the server running"
    ):
        ServerModel(f"http://127.0.0.1:{port}#m", OPTIONS).answer([make_question()])


def test_a_model_that_the_server_has_not_is_an_error_that_lists_what_it_has(server: Server) -> None:
    server.models = ["qwen", "pixtral"]
    with pytest.raises(ModelError, match=r"no model 'llava'; it lists: qwen, pixtral"):
        connect(server, "#llava").answer([make_question()])
    with pytest.raises(ModelError, match=r"several models; it lists: qwen, pixtral"):
        connect(server, "").answer([make_question()])


def test_a_wrong_path_is_an_error_that_names_it(server: Server) -> None:
    server.url = server.url.replace("/v1", "/api")
    with pytest.raises(ModelError, match=r"usually ends in /v1"):
        ask(server)


def test_a_server_that_lies_about_its_model_is_found_out(server: Server) -> None:
    server.says_model = "gpt-2"
    model = connect(server)
    [answer] = model.answer([make_question()])
    assert answer.remark == "the server says that it answered with 'gpt-2', not with 'tiny-vlm'"
    assert model.name.startswith("openai:gpt-2@")


def test_a_newer_revision_of_the_model_asked_for_is_no_lie(server: Server) -> None:
    server.says_model = "tiny-vlm-2026-01-01"
    assert ask(server).remark is None


def test_an_answer_that_was_cut_off_ends_with_its_last_sentence(server: Server) -> None:
    server.answer = lambda body: "A balloon was added. The picture is bright"
    server.finish_reason = "length"
    answer = ask(server)
    assert answer.text == "A balloon was added."
    assert answer.remark == "the answer was cut off after 256 tokens"


@pytest.mark.parametrize("content", [None, "", [{"type": "text", "text": "A cat was removed."}]])
def test_contents_of_other_kinds_are_read(server: Server, content: Any) -> None:
    answerer: Callable[[dict[str, Any]], Any] = lambda body: content  # noqa: E731
    server.answer = answerer
    assert ask(server).text == ("A cat was removed." if content else "")


def test_pictures_are_made_as_small_as_the_settings_say(server: Server) -> None:
    model = ServerModel(f"{server.url}#tiny-vlm", replace(OPTIONS, model=ModelOptions(picture_tokens=64)))
    assert model.takes.pixels == 64 * 28 * 28
