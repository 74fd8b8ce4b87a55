"""A real OpenAI-compatible server on loopback, transformers' own, with a tiny model of the tests' making."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from provenance.errors import ModelError
from provenance.explain.models import Model, load_model
from provenance.explain.options import CaptionerOptions, ModelOptions, ServerOptions
from tests.contracts.model_contract import ModelContract, make_pairs
from tests.explain.models.checkpoints import make_qwen2_vl

for part in ("transformers", "torch", "openai", "uvicorn", "fastapi"):
    pytest.importorskip(part, reason="a real server needs the extras vlm and dev")

OPTIONS = CaptionerOptions(ModelOptions(answer_tokens=10, picture_tokens=64), ServerOptions(timeout_s=120.0))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that serves a tiny Qwen2-VL."""
    folder = make_qwen2_vl(tmp_path_factory.mktemp("served") / "tiny-qwen2-vl")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "transformers"), "serve", str(folder), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--device", "cpu", "--dtype", "float32", "--log-level", "error"]
    log = folder.parent / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, env={**os.environ, "HF_HUB_OFFLINE": "1"}, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", server, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(30)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path, seconds: float = 240.0) -> None:
    """Wait until the server is there; fail with what it printed when it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(url, trust_env=False, timeout=5.0).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    pytest.fail(f"the server did not start: {log.read_text()[-2000:]}")


class TestRealServer(ModelContract):
    @pytest.fixture
    def model(self, url: str) -> Model:
        return load_model(f"openai:{url}", OPTIONS)

    def test_the_model_is_named_without_the_way_to_its_folder(self, model: Model) -> None:
        model.answer(self.ask(model, make_pairs()[:1]))
        assert model.name.startswith("openai:tiny-qwen2-vl@127.0.0.1:")


def test_a_model_that_it_has_not_is_an_error_that_lists_what_it_has(url: str) -> None:
    model = load_model(f"openai:{url}#llava", OPTIONS)
    with pytest.raises(ModelError, match=r"no model 'llava'; it lists: .*tiny-qwen2-vl"):
        model.answer(ModelContract().ask(model, make_pairs()))
