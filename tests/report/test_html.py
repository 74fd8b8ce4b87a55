"""The page: self-contained, safe, complete for every verdict, replaced atomically."""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from provenance.errors import StorageFullError, UsageError
from provenance.explain import explain
from provenance.languages import load_language
from provenance.records import DecodedImage, Report
from provenance.report import to_html, write_html
from provenance.report.images import encode_inline
from provenance.report.outlines import outline_boxes

VOID = {"meta", "img", "input", "br", "hr", "link"}


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that elements are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.inside: list[str] = []
        self.feed(html)
        self.close()
        assert self.inside == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.inside.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.inside and self.inside[-1] not in ("style", "script"):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def words(html: str) -> str:
    return " ".join(Page(html).text.split())


def test_the_page_asks_for_nothing_from_outside(every_report: dict[str, Report]) -> None:
    html = to_html(list(every_report.values()))
    page = Page(html)
    without_pictures = re.sub(r'"data:image/webp;base64,[^"]*"', '""', html)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", without_pictures)
    for tag, attributes in page.tags:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert tag not in {"link", "iframe", "object", "embed", "form", "base"}
        if source := attributes.get("src"):
            assert source.startswith("data:image/webp;base64,")
        if target := attributes.get("href"):
            assert target.startswith("#")


def test_the_policy_allows_only_this_style_and_this_script(modified: Report) -> None:
    html = to_html(modified)
    policy = next(
        meta["content"] or ""
        for meta in Page(html).all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (body,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_a_modified_copy_is_shown_in_full(modified: Report) -> None:
    html = to_html(modified)
    page, text = Page(html), words(html)
    for expected in (
        "Modified copy of a trusted original",
        "Something was added in the upper left",
        "“NEWS”",
        "City archive",
        "CC0 1.0",
        "412 points of detail agree",
        "41.2 dB PSNR",
        "first frame of 12",
        "alignment_error_px",
        "0.21",
    ):
        assert expected in text
    assert [one["value"] for one in page.all("input") if one["type"] == "radio"] == [
        "side",
        "swipe",
        "onion",
        "flicker",
        "difference",
        "map",
    ]
    (slider,) = [one for one in page.all("input") if one["type"] == "range"]
    assert slider["aria-label"]
    assert all("alt" in image for image in page.all("img"))


def test_sentences_and_outlines_carry_the_same_numbers(modified: Report) -> None:
    page = Page(to_html(modified))
    sentences = [one["data-edit"] for one in page.all("li") if "data-edit" in one]
    regions = [one["data-edit"] for one in page.all("g") if "data-edit" in one]
    assert sentences == ["1", "2", "3"]
    # Two regions on the query, its map and the original lined up; on the original also what the crop cut off.
    assert sorted(filter(None, regions)) == ["1"] * 4 + ["2"] * 4 + ["3"]


def test_outlines_lie_where_the_regions_are(modified: Report) -> None:
    boxes = []
    for path in re.findall(r'class="line"[^>]* d="M([^"]*)Z"', to_html(modified)):
        points = np.array([pair.split() for pair in path.split("L")], float)
        boxes.append((*points.min(axis=0), *points.max(axis=0)))
    assert len(boxes) == 8
    # The added square is at 30..90 of the query, which starts 40 px from the left of the original.
    # Outlines keep a margin of 1 working pixel, which is 2 of the full size.
    assert any(np.allclose(box, (28, 38, 92, 102), atol=2) for box in boxes)
    assert any(np.allclose(box, (68, 38, 132, 102), atol=2) for box in boxes)


def test_sources_of_a_collage_are_numbered_on_the_picture_and_in_the_list(collage: Report) -> None:
    html = to_html(collage)
    page, text = Page(html), words(html)
    assert [one["data-source"] for one in page.all("g") if "data-source" in one] == ["1", "2"]
    assert [one["data-source"] for one in page.all("li") if "data-source" in one] == ["1", "2"]
    (outline,) = re.findall(r'<g class="region" data-source="2">.*?class="line"[^>]* d="([^"]*)"', html, re.S)
    assert outline == "M210 0L360 0L360 140L210 140Z"
    told = text[text.index("Put together from") :]
    for expected in ("1 The tower", "2 The sea archive/sea.png Bo Example In the upper right, 97 % sure",
                     "3 archive/hill.png 62 % sure Also trusted: 1 copy archive/knoll.png"):  # fmt: skip
        assert expected in told
    assert "Also trusted: 7 copies copies/tower 1.jpg" in text
    assert [one["class"] for one in page.all("details")] == ["copies", "copies", "measurements"]


def test_sources_are_listed_where_the_pictures_are_gone(collage: Report) -> None:
    html = to_html(replace(collage, evidence=None, explanation=None))
    assert "2 The sea archive/sea.png Bo Example In the upper right" in words(html)
    assert not Page(html).all("img")
    assert not [one for one in Page(html).all("li") if "data-source" in one]


def test_one_source_is_no_collage(modified: Report) -> None:
    assert "Put together from" not in words(to_html(modified))


def test_numbers_of_boxes_that_begin_together_lie_side_by_side() -> None:
    boxes = {1: (0, 0, 1000, 500), 2: (5, 5, 300, 200), 3: (10, 0, 90, 90)}
    outlines = outline_boxes(boxes, 1000, 500).outlines
    places = sorted(outline.x for outline in outlines)
    assert [outline.number for outline in outlines] == [1, 2, 3]
    assert min(np.diff(places)) >= 50
    assert all(0 <= outline.x <= 1000 for outline in outlines)


def test_every_verdict_makes_a_page(every_report: dict[str, Report]) -> None:
    for name, report in every_report.items():
        text = words(to_html(report))
        assert Path(report.query.name).name in text
        assert ("Measurements" in text) and ("Something" in text) == (name in ("modified", "collage"))
    assert "does not mean that the picture is fake" in words(to_html(every_report["no_match"]))
    assert "the file ends early" in words(to_html(every_report["error"]))


def test_several_reports_get_a_list_on_top(every_report: dict[str, Report]) -> None:
    html = to_html(iter(every_report.values()))
    page = Page(html)
    targets = [one["href"] for one in page.all("a")]
    assert targets == [f"#report-{number}" for number in range(1, len(every_report) + 1)]
    assert {f"#{one['id']}" for one in page.all("article")} == set(targets)
    assert f"{len(every_report)} pictures checked" in words(html)
    assert "3 Modified" in words(html)


def test_hostile_names_stay_text(renamed: Callable[[str], Report]) -> None:
    attack = "\"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}\x1b\u202e'"
    html = to_html(renamed(attack))
    page = Page(html)
    assert len(page.all("script")) == 1
    assert not [image for image in page.all("img") if image.get("src") == "x"]
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert not set(page.text) & set("\x1b\u202e")


def test_lone_surrogates_in_a_name_can_be_written(renamed: Callable[[str], Report], tmp_path: Path) -> None:
    write_html(renamed("caf\udce9.jpg"), tmp_path / "page.html")
    assert "caf\\udce9.jpg" in (tmp_path / "page.html").read_text("utf-8")


def test_odd_pairs_are_drawn(modified: Report) -> None:
    if modified.evidence is None or modified.match is None:
        raise ValueError("the modified report holds evidence")
    evidence = modified.evidence
    for homography in (np.zeros((3, 3)), np.array([[1.0, 0, 0], [0, 1, 0], [-0.01, 0, 1]])):
        comparison = replace(evidence.comparison, reference_from_query=homography)
        html = to_html(replace(modified, evidence=replace(evidence, comparison=comparison)))
        drawn = re.findall(r' (?:d|data-x|data-y)="([^"]*)"', html)
        assert drawn
        assert not re.search("nan|inf", " ".join(drawn))
    blank = replace(evidence.comparison, labels=np.zeros_like(evidence.comparison.labels))
    html = to_html(replace(modified, evidence=replace(evidence, comparison=blank)))
    assert html.count('class="line"') == 8  # boxes stand in for outlines


def test_large_pictures_are_reduced(modified: Report) -> None:
    if modified.evidence is None:
        raise ValueError("the modified report holds evidence")
    noise = np.random.default_rng(7).integers(0, 256, (300, 400, 3), np.uint8)
    large = np.asarray(Image.fromarray(noise).resize((4000, 3000), Image.Resampling.BICUBIC))

    def enlarge(image: DecodedImage) -> DecodedImage:
        return replace(image, pixels=large, width=4000, height=3000)

    evidence = modified.evidence
    evidence = replace(evidence, query=enlarge(evidence.query), reference=enlarge(evidence.reference))
    html = to_html(replace(modified, evidence=evidence))
    assert len(html) < 3_000_000
    for image in Page(html).all("img"):
        _, _, data = (image["src"] or "").partition("base64,")
        assert max(Image.open(io.BytesIO(base64.b64decode(data))).size) <= 1800


def test_a_picture_that_hardly_compresses_is_made_smaller() -> None:
    noise = np.random.default_rng(7).integers(0, 256, (1000, 1000, 3), np.uint8)
    small, large = encode_inline(noise[:200, :200], side=1800), encode_inline(noise, side=1800)
    assert (small.width, small.height) == (200, 200)
    assert len(large.uri) < 3_000_000 / 4


@pytest.mark.parametrize("code", ["es", "fr"])
def test_a_page_in_another_language_has_no_english_left(every_report: dict[str, Report], code: str) -> None:
    def tell(report: Report) -> Report:
        explanation = report.evidence and explain(report.evidence.comparison, language=code)
        return replace(report, language=code, explanation=report.explanation and explanation)

    reports = [tell(report) for report in every_report.values() if report.verdict != "error"]
    page = Page(to_html(reports))
    spoken = [value for _, attributes in page.tags for name, value in attributes.items()
              if name in ("alt", "aria-label", "data-stop", "data-leave")]  # fmt: skip
    told = " ".join([*page.text.split(), *filter(None, spoken)])
    own = " ".join(load_language(code).texts.values())
    for key, english in load_language("en").texts.items():
        if "{" not in english and len(english) > 3 and english not in own and english != "Measured":
            assert not re.search(rf"(?<![\w.]){re.escape(english)}(?!\w)", told), (key, english)
    assert page.all("html")[0]["lang"] == code


# ---------------------------------------------------------------- writing


def test_the_page_is_written_whole(modified: Report, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    write_html(modified, path)
    assert path.read_text("utf-8") == to_html(modified)
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]


def test_a_failed_report_keeps_the_old_page(modified: Report, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")

    def broken() -> Iterator[Report]:
        yield modified
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_html(broken(), path)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]


def test_a_full_disk_keeps_the_old_page(
    modified: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")

    def fill(self: Path, *arguments: object, **options: object) -> int:
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fill)
    with pytest.raises(StorageFullError, match="space"):
        write_html(modified, path)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]


def test_missing_folders_are_made(modified: Report, tmp_path: Path) -> None:
    write_html(modified, tmp_path / "new" / "folder" / "page.html")
    assert (tmp_path / "new" / "folder" / "page.html").is_file()


@pytest.mark.parametrize("place", ["file/page.html", "folder"])
def test_a_place_that_cannot_be_written_is_named_before_the_first_report(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()

    def never() -> Iterator[Report]:
        pytest.fail("a report was made")
        yield

    with pytest.raises(UsageError, match=f"cannot write the page .*{place}"):
        write_html(never(), tmp_path / place)
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.timeout(30)
def test_a_pipe_is_written_to_and_stays(modified: Report, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text, "utf-8")
        write_html(modified, pipe)
        assert read.result() == to_html(modified)
    assert pipe.is_fifo()
