"""Where pictures come from, as rows of (label, text) that the terminal and the page share."""

from __future__ import annotations

from provenance.languages import Language
from provenance.records import (
    ContentCredentials,
    CredentialAction,
    EmbeddedDetails,
    ReferenceRecord,
    Report,
)
from provenance.report.words import make_printable, speak

Row = tuple[str, str]


def list_details(told: ReferenceRecord | EmbeddedDetails, language: Language) -> list[Row]:
    """Title, caption, creator ... of a trusted picture, or as a file says of itself; only what is known."""
    source = told.digital_source if isinstance(told, EmbeddedDetails) else None
    known = {
        "title": told.title,
        "caption": told.caption,
        "source": told.source,
        "creator": told.creator,
        "credit": told.credit,
        "license": told.license,
        "taken": _moment(told.captured_at),
        # IPTC's code of how a picture came to be; an unknown one stays as it is.
        "origin": source and language.name("digital_source", source),
    }
    return [(language.say(f"record.{key}"), make_printable(value)) for key, value in known.items() if value]


def list_claims(report: Report) -> list[Row]:
    """What the query's file says of itself, less what the trusted original's record says too."""
    language = speak(report)
    known = list_details(report.match.reference, language) if report.match else []
    return [row for row in list_details(report.query.embedded, language) if row not in known]


def list_credentials(credentials: ContentCredentials, language: Language) -> list[Row]:
    """Who signed a file, whether that still holds, and what they say was done to the picture."""
    say, name = language.say, language.name
    signer = credentials.signed_by or say("credentials.unnamed")
    broken = credentials.problems if credentials.state == "invalid" else ()
    problems = dict.fromkeys(name("credentials.problem", code) for code in broken)
    told = {
        "signer": say("credentials.signed", signer=signer, when=_moment(credentials.signed_at)),
        "state": say(f"credentials.is.{credentials.state}"),
        "problems": "; ".join(problems),
        "generator": credentials.generator,
        "actions": "; ".join(_describe_action(action, language) for action in credentials.actions),
        "ingredients": "; ".join(
            say(
                "credentials.ingredient",
                title=one.title or say("credentials.untitled"),
                relationship=name("credentials.as", one.relationship),
            )
            for one in credentials.ingredients
        ),
    }
    return [(say(f"credentials.{key}"), make_printable(value)) for key, value in told.items() if value]


def _describe_action(action: CredentialAction, language: Language) -> str:
    """ "cropped, with Example Editor 2, 2024-05-06 07:08:09": what, how it came to be, with what, when."""
    return language.say(
        "credentials.action",
        action=language.name("credentials.did", action.action),
        description=action.description or "",
        origin=language.name("digital_source", action.digital_source or ""),
        software=action.software or "",
        when=_moment(action.when),
    )


def _moment(when: str | None) -> str:
    return (when or "").replace("T", " ")
