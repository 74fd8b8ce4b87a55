"""The form in a browser on this machine: one signs in by name and rates pair after pair, told no system."""

from __future__ import annotations

import io
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Cookie, FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, select_autoescape
from PIL import Image
from starlette.middleware.trustedhost import TrustedHostMiddleware

from provenance.decode import Limits, decode, reduce
from provenance.errors import NotFoundError, ProvenanceError, UsageError
from provenance.evaluate.captions.human.ratings import Ratings
from provenance.evaluate.captions.human.study import QUESTIONS, SCALE

ASKED = {
    "fluency": "Is it good, natural English?",
    "correctness": "Is what it says true of the two pictures?",
    "relevance": "Does it tell what matters of the change?",
}
# Only this page's own files and pictures; nothing from elsewhere, no frame around it.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'"
)
_TEMPLATES = "templates"
_SIDE_PX = 1600
_YEAR_S = 365 * 24 * 3600

Rater = Annotated[str | None, Cookie()]


def build(ratings: Ratings) -> FastAPI:
    """The application over an open study. It answers only to names of this machine."""
    app = FastAPI(title="rating captions", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
    pages = Environment(loader=PackageLoader(__package__, _TEMPLATES), autoescape=select_autoescape(["j2"]))
    items = ratings.items()

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        """No other page may send marks, and this page loads nothing from elsewhere."""
        origin = request.headers.get("origin")
        if request.method == "POST" and origin and urlsplit(origin).netloc != request.headers.get("host"):
            return HTMLResponse("ratings are taken only from the page itself", 403)
        response: Response = await call_next(request)
        response.headers["content-security-policy"] = _POLICY
        response.headers["x-content-type-options"] = "nosniff"
        return response

    @app.exception_handler(ProvenanceError)
    def problem(request: Request, error: ProvenanceError) -> HTMLResponse:
        return HTMLResponse(pages.get_template("problem.html.j2").render(error=str(error)), error.http_status)

    @app.get("/")
    def sign_in(rater: Rater = None) -> Response:
        """Ask for a name."""
        return HTMLResponse(
            pages.get_template("sign_in.html.j2").render(rater=rater or "", raters=ratings.raters)
        )

    @app.post("/")
    def signed_in(name: Annotated[str, Form()] = "") -> Response:
        """Remember the name, in this browser."""
        known = " ".join(name.split())
        if not 1 <= len(known) <= 60 or not known.isprintable():
            raise UsageError("give a name of 1 to 60 letters; go back and try again")
        answer = RedirectResponse("/rate", 303)
        answer.set_cookie("rater", known.encode().hex(), max_age=_YEAR_S, httponly=True, samesite="strict")
        return answer

    @app.get("/rate")
    def show(item: int | None = None, rater: Rater = None) -> Response:
        """The next caption, or one that was rated before."""
        name = _name(rater)
        if name is None:
            return RedirectResponse("/", 303)
        rated = ratings.rated_by(name)
        left = ratings.left_to(name)
        number = item if item in items else next(iter(left), None)
        if number is None:
            return HTMLResponse(pages.get_template("done.html.j2").render(rater=name, done=len(rated)))
        marks = next(
            (dict(zip(QUESTIONS, one.marks, strict=True)) for one in rated if one.item == number), {}
        )
        before = [one.item for one in rated if one.item != number]
        page = pages.get_template("rate.html.j2").render(
            number=number, caption=items[number].caption, asked=ASKED, scale=SCALE, marks=marks,
            rater=name, done=len(rated), total=len(rated) + len(left), back=before[-1] if before else None,
        )  # fmt: skip
        return HTMLResponse(page)

    @app.post("/rate")
    def take(
        item: Annotated[int, Form()],
        fluency: Annotated[int, Form()] = 0,
        correctness: Annotated[int, Form()] = 0,
        relevance: Annotated[int, Form()] = 0,
        rater: Rater = None,
    ) -> Response:
        """Keep the marks, then show the next caption."""
        name = _name(rater)
        if name is None:
            return RedirectResponse("/", 303)
        ratings.save(name, item, {"fluency": fluency, "correctness": correctness, "relevance": relevance})
        return RedirectResponse("/rate", 303)

    @app.get("/picture/{number}/{side}.png")
    def picture(number: int, side: str) -> Response:
        """A picture of a pair, upright and in sRGB, at most 1,600 px."""
        if number not in items or side not in ("before", "after"):
            raise NotFoundError("no such picture; reload the page")
        file = items[number].before if side == "before" else items[number].after
        return Response(
            _png(file), media_type="image/png", headers={"cache-control": "private, max-age=3600"}
        )

    @app.get("/form.{kind}")
    def asset(kind: str) -> Response:
        """The page's own style and script."""
        if kind not in ("css", "js"):
            raise NotFoundError("no such file")
        text = files(__package__).joinpath(_TEMPLATES, f"form.{kind}").read_text(encoding="utf-8")
        return Response(text, media_type="text/css" if kind == "css" else "text/javascript")

    return app


@lru_cache(maxsize=16)
def _png(file: Any) -> bytes:
    reduced = reduce(decode(file, limits=Limits()), _SIDE_PX)
    buffer = io.BytesIO()
    Image.fromarray(reduced.pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _name(cookie: str | None) -> str | None:
    """The name in a cookie, None where there is none or it was tampered with."""
    try:
        return bytes.fromhex(cookie or "").decode() or None
    except ValueError:
        return None
