"""Who did what."""

from __future__ import annotations

from fastapi import APIRouter

from provenance.service.context import Admin, Before, Library, Limit
from provenance.service.models import AuditList, AuditModel
from provenance.service.schema import PROBLEMS

router = APIRouter(prefix="/v1/audit", tags=["audit"], responses=PROBLEMS)


@router.get("")
def audit(library: Library, caller: Admin, before: Before = None, limit: Limit = 50) -> AuditList:
    """List who added, withdrew, checked and changed what, the newest first."""
    found = library.database.audit.page(before=before, limit=limit)
    items = [AuditModel.of(entry) for entry in found]
    return AuditList(items=items, next=items[-1].id if len(items) == limit else None)
