"""The pages for people: server-rendered, without a build step, without scripts of others.

check       give a picture, follow its check, read the report, say whether it is right
library     browse, search, add, describe and withdraw trusted pictures
history     what was checked
session     sign in with a key, choose a language
interface   the HTTP interface, described
static      styles and scripts

Every form works without JavaScript; scripts add drop, paste and live progress.
"""

from __future__ import annotations

from fastapi import APIRouter

from provenance.service.pages import check, history, interface, library, session, static

router = APIRouter(include_in_schema=False)
for part in (check, library, history, session, interface, static):
    router.include_router(part.router)

__all__ = ["router"]
