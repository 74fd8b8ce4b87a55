"""What reviewers say of reports."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from provenance.jobs.calibration import calibrate
from provenance.service.context import Checker, Curator, Library, Limit, RowId
from provenance.service.models import Calibration, MarkList, MarkModel, NewMark
from provenance.service.schema import PROBLEMS

router = APIRouter(prefix="/v1/feedback", tags=["feedback"], responses=PROBLEMS)


@router.post("", status_code=201)
def mark(library: Library, caller: Checker, asked: NewMark) -> MarkModel:
    """Mark a report: right, wrong, or not the same picture; that original is not offered for it again.

    Another mark of the same key takes the place of the first.
    """
    return MarkModel.of(library.database.marks.put(asked.report, asked.mark, note=asked.note, by=caller))


@router.get("")
def marks(
    library: Library,
    caller: Curator,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="The `next` of the last page.")] = 0,
    limit: Limit = 100,
) -> MarkList:
    """List marks, the oldest first."""
    found = library.database.marks.page(after=after, limit=limit)
    items = [MarkModel.of(one) for one in found]
    return MarkList(items=items, next=items[-1].id if len(items) == limit else None)


@router.get("/calibration")
def calibration(library: Library, caller: Curator) -> Calibration:
    """Say whether confidence can be believed: marked matches, and how often those alike were right."""
    return Calibration.model_validate(calibrate(library.database.marks.all()))


@router.delete("/{mark_id}", status_code=204)
def unmark(library: Library, caller: Checker, mark_id: RowId) -> None:
    """Take a mark back."""
    library.database.marks.delete(mark_id, by=caller)
