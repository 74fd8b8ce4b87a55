"""Proposed MediaReviews and ClaimReviews keep to schema.org's shapes and claim no more than was measured."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from provenance.records import Edit, Explanation, Operation, Report
from provenance.report import propose_reviews, to_jsonld
from provenance.report.jsonld import propose_categories

SHAPES = json.loads((Path(__file__).parent / "schemaorg.json").read_text("utf-8"))


def mistakes(document: dict[str, Any]) -> Iterator[str]:
    """What in a JSON-LD document is not as schema.org publishes it."""
    if document["@context"] != "https://schema.org":
        yield "wrong context"
    nodes = {node["@id"]: node for node in every_node(document["@graph"]) if len(node) > 1 and "@id" in node}
    for node in every_node(document["@graph"]):
        if set(node) == {"@id"}:
            if node["@id"] not in nodes:
                yield f"nothing has the id {node['@id']}"
            continue
        kind = node["@type"]
        if kind not in SHAPES["classes"]:
            yield f"no class {kind}"
            continue
        for name, value in node.items():
            if name.startswith("@"):
                continue
            shape = SHAPES["properties"].get(name)
            if shape is None:
                yield f"no property {name}"
            elif not kinds_of(kind) & set(shape["domain"]):
                yield f"{name} does not belong to {kind}"
            else:
                for one in value if isinstance(value, list) else [value]:
                    found = nodes.get(one["@id"], one) if isinstance(one, dict) and "@id" in one else one
                    if not any(expected(found, kind) for kind in shape["range"]):
                        yield f"{name} does not expect {one!r}"


def every_node(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from every_node(one)


def kinds_of(kind: str) -> set[str]:
    above = SHAPES["classes"].get(kind, [])
    return {kind}.union(*(kinds_of(one) for one in above))


def expected(value: Any, kind: str) -> bool:
    """Whether a value is of a class or data type of schema.org."""
    if isinstance(value, dict):
        return kind in kinds_of(value.get("@type", ""))
    if not isinstance(value, str) or not value:
        return False
    if kind in SHAPES["enumerations"]:
        return value.removeprefix("https://schema.org/") in SHAPES["enumerations"][kind]
    if kind in ("Date", "DateTime"):
        return bool(re.fullmatch(r"\d{4}(-\d\d)?", value) or datetime.fromisoformat(value))
    return kind == "Text" or (kind == "URL" and value.startswith(("http://", "https://")))


def edited(report: Report, *operations: Operation) -> Report:
    edits = tuple(Edit(one, "image_style", "It was edited.", 0.9, {}) for one in operations)
    return replace(
        report, verdict="modified", explanation=Explanation("Edited.", "measured", edits, 0.0, None)
    )


def test_every_proposal_keeps_to_the_published_shapes(every_report: dict[str, Report]) -> None:
    for name, report in every_report.items():
        assert list(mistakes(propose_reviews(report))) == [], name


def test_the_check_notices_what_is_wrong(modified: Report) -> None:
    graph = propose_reviews(modified)["@graph"]
    graph[0] |= {
        "mediaAuthenticityCategory": "https://schema.org/FakeContent",
        "claimReviewed": "x",
        "made": 1,
    }
    graph[1] |= {"reviewRating": "False", "associatedMediaReview": {"@id": "#nowhere"}}
    found = list(mistakes({"@context": "https://schema.org", "@graph": graph}))
    assert len(found) == 6, found


def test_a_modified_picture_is_told_with_its_original(modified: Report) -> None:
    media, claim = propose_reviews(modified)["@graph"]
    assert media["creativeWorkStatus"] == claim["creativeWorkStatus"] == "Draft"
    assert media["mediaAuthenticityCategory"] == [
        "https://schema.org/TransformedContent", "https://schema.org/EditedOrCroppedContent",
    ]  # fmt: skip
    assert media["originalMediaLink"] == {
        "@type": "ImageObject",
        "name": "The tower",
        "sourceOrganization": {"@type": "Organization", "name": "City archive"},
        "caption": "The tower before the storm.",
        "creator": {"@type": "Person", "name": "Cleo Example"},
        "creditText": "Ana Example",
        "license": {"@type": "CreativeWork", "name": "CC0 1.0"},
        "dateCreated": "2019-06-14T10:22:31",
        "encodingFormat": "image/png",
        "sha256": "ab" * 32,
    }
    assert media["originalMediaContextDescription"] == "The tower before the storm."
    assert media["itemReviewed"]["mediaItemAppearance"] == {
        "@type": "ImageObjectSnapshot", "@id": "#picture", "name": "tower.jpg", "sha256": "cd" * 32,
        "embeddedTextCaption": "NEWS",
    }  # fmt: skip
    assert claim["claimReviewed"] == "“tower.jpg” is an unaltered copy of “The tower”."
    assert claim["reviewRating"] == {
        "@type": "Rating",
        "alternateName": "Modified copy of a trusted original",
    }


def test_addresses_are_told_and_paths_are_not(modified: Report) -> None:
    if modified.match is None:
        raise ValueError("the modified report holds a match")
    record = replace(
        modified.match.reference, path="/home/ana/secret/a.jpg", title=None, source="https://a.example/archive",
        license="https://creativecommons.org/publicdomain/zero/1.0/",
    )  # fmt: skip
    report = replace(
        modified,
        match=replace(modified.match, reference=record),
        query=replace(modified.query, name="https://b.example/x/web.jpg?size=2"),
    )
    document = propose_reviews(report)
    assert list(mistakes(document)) == []
    media, _ = document["@graph"]
    assert media["originalMediaLink"]["url"] == "https://a.example/archive"
    assert media["originalMediaLink"]["license"] == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert media["originalMediaLink"]["name"] == "a.jpg"
    appearance = media["itemReviewed"]["mediaItemAppearance"]
    assert appearance["contentUrl"] == "https://b.example/x/web.jpg?size=2"
    assert "secret" not in to_jsonld(report)


@pytest.mark.parametrize("verdict", ["no_match", "pair", "related", "error", "lost"])
def test_nothing_is_proposed_where_nothing_was_measured(
    every_report: dict[str, Report], verdict: str
) -> None:
    assert propose_reviews(every_report[verdict])["@graph"] == []


@pytest.mark.parametrize(
    ("operations", "categories"),
    [
        (["crop"], ["EditedOrCroppedContent"]),
        (["flip", "brightness", "object_blurred"], ["EditedOrCroppedContent"]),
        (["object_removed"], ["TransformedContent"]),
        (["text_changed", "background_replaced", "composite"], ["TransformedContent"]),
        (["object_added", "crop"], ["TransformedContent", "EditedOrCroppedContent"]),
        ([], []),
    ],
)
def test_edits_speak_for_categories(
    modified: Report, operations: list[Operation], categories: list[str]
) -> None:
    assert propose_categories(edited(modified, *operations)) == categories


def test_an_unaltered_copy_is_original_whatever_it_is_used_for(every_report: dict[str, Report]) -> None:
    for verdict in ("identical", "unmodified"):
        assert propose_categories(every_report[verdict]) == ["OriginalMediaContent"]


def test_no_intention_is_ever_proposed(modified: Report) -> None:
    """Of all edits and verdicts there are, none leads to a category that needs a judgement."""
    from typing import get_args

    from provenance.records import Verdict

    judged = {"DecontextualizedContent", "StagedContent", "SatireOrParodyContent"}
    for verdict in get_args(Verdict):
        for operation in get_args(Operation):
            report = replace(edited(modified, operation), verdict=verdict)
            assert not judged & set(propose_categories(report))
            assert not {"mislead", "fake", "intent"} & set(re.findall(r"\w+", to_jsonld(report).lower()))


def test_the_text_may_stand_in_a_page(renamed: Callable[[str], Report]) -> None:
    text = to_jsonld(renamed("</script><script>alert(1)</script>\u202e\x1b[31m"))
    assert "<" not in text
    assert text.isprintable()
    json.loads(text)


def test_a_collage_names_all_its_originals(collage: Report) -> None:
    media, _ = propose_reviews(collage)["@graph"]
    assert [one["name"] for one in media["originalMediaLink"]] == ["The tower", "The sea", "hill.png"]
