"""Queries with known truth: what an edit keeps of the original is measured, and the truth is the truth."""

from __future__ import annotations

import csv
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from provenance.errors import NotFoundError, UsageError
from provenance.evaluate.edits import FURTHER_SOURCES, KINDS
from provenance.evaluate.edits.picture import TracedPicture
from provenance.evaluate.edits.traps import TRAPS
from provenance.evaluate.queries import COLUMNS, Query, choose, edit, make_queries, read_queries

# Kinds that move pixels but leave their levels as they are.
GEOMETRY = (
    "as posted", "mirror", "quarter turn", "upside down", "rotate 8", "rotate 25 on a page", "crop 50",
    "crop 12", "square", "stretch 1.35", "aspect and crop", "perspective", "pad", "letterbox", "screenshot",
    "post dark", "browser", "caption bars", "inset", "inset 10 %", "collage of 2", "collage of 4",
    "paste over 40 %", "resize 0.35", "crop + inset", "stickers over 35 %", "half replaced",
)  # fmt: skip


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """Four smooth pictures that differ everywhere."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(4):
        noise = Image.fromarray(rng.integers(0, 256, (12, 18, 3), dtype=np.uint8))
        large = noise.resize((360, 240), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(3))
        made.append(np.asarray(large))
    return made


@pytest.fixture(scope="module")
def small_photos(tmp_path_factory: pytest.TempPathFactory, photos: list[Path]) -> Path:
    """A folder of eight small photos; for reading only."""
    folder = tmp_path_factory.mktemp("small")
    for path in photos[:8]:
        with Image.open(path) as image:
            image.convert("RGB").resize((240, 160)).save(folder / f"{path.stem}.png")
    return folder


@pytest.fixture
def folder(tmp_path: Path, small_photos: Path) -> Path:
    """A copy of the small photos that a test may spoil."""
    return Path(shutil.copytree(small_photos, tmp_path / "photos"))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_edits_the_same_way_for_the_same_seed_and_knows_what_it_kept(
    kind: str, pictures: list[np.ndarray]
) -> None:
    first, *others = pictures
    before = first.copy()
    picture, suffix, data = edit(first, kind, np.random.default_rng(3), others)
    again = edit(first, kind, np.random.default_rng(3), others)
    assert (suffix, data) == (again[1], again[2])
    np.testing.assert_array_equal(first, before)
    assert picture.pixels.dtype == np.uint8
    assert picture.origin.shape == (picture.height, picture.width, 2)
    assert 0.05 < picture.kept_area <= 1.0
    assert 20 < picture.short_side_px <= min(picture.width, picture.height) + 1
    places = picture.origin[picture.visible]
    assert places.min() > 0
    assert places.max() < 1
    if kind != "as posted":
        assert picture.pixels.shape != first.shape or (picture.pixels != first).any()


@pytest.mark.parametrize("kind", GEOMETRY)
def test_the_trace_leads_to_the_pixels_place_in_the_original(kind: str, pictures: list[np.ndarray]) -> None:
    first, *others = pictures
    picture = KINDS[kind](TracedPicture.whole(first), np.random.default_rng(5), others)
    x, y = np.moveaxis(picture.origin[picture.visible], -1, 0)
    expected = first[(y * first.shape[0]).astype(int), (x * first.shape[1]).astype(int)].astype(int)
    difference = np.abs(expected - picture.pixels[picture.visible]).max(axis=1)
    assert np.percentile(difference, 95) < 16


def test_the_kept_area_is_that_of_the_part_in_view(pictures: list[np.ndarray]) -> None:
    whole = TracedPicture.whole(pictures[0])
    assert whole.kept_area == pytest.approx(1.0, abs=0.01)
    assert whole.window(0, 0, 180, 120).kept_area == pytest.approx(0.25, abs=0.01)
    assert whole.mirror().turn(1).scale(0.4).kept_area == pytest.approx(1.0, abs=0.02)
    covered = np.zeros((240, 360), bool)
    covered[:, :90] = True
    assert whole.cover(pictures[1], covered).kept_area == pytest.approx(0.75, abs=0.01)
    page = np.zeros((240, 360, 3), np.uint8)
    assert whole.place_on(page, 180, 0).kept_area == pytest.approx(0.5, abs=0.01)
    assert whole.place_on(page, 400, 0).kept_area == 0.0


def test_the_short_side_is_that_of_what_is_in_view_however_it_is_turned(pictures: list[np.ndarray]) -> None:
    whole = TracedPicture.whole(pictures[0])
    page = np.zeros((900, 900, 3), np.uint8)
    assert whole.short_side_px == 240
    assert whole.place_on(page, 100, 100).short_side_px == 240
    assert whole.window(0, 0, 300, 80).place_on(page, 5, 5).short_side_px == 80
    turned = KINDS["rotate 25 on a page"](whole, np.random.default_rng(0), [])
    assert turned.short_side_px == pytest.approx(240, abs=4)
    assert whole.place_on(page, 1000, 0).short_side_px == 0


def test_queries_are_the_same_for_the_same_seed_only(folder: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        make_queries(folder, tmp_path / name, per_photo=2, strangers=2, seed=seed)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(tmp_path / "one") != contents(tmp_path / "three")


def test_originals_are_trusted_and_strangers_are_not(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = make_queries(folder, out, per_photo=3, strangers=4)
    trusted = {path.name for path in (out / "trusted").iterdir()}
    assert len(trusted) == 4
    assert {query.reference.name for query in made if query.reference} == trusted
    strangers = [query for query in made if query.reference is None]
    assert len(strangers) == 4
    assert not any(
        query.path.name.startswith(Path(name).stem + "-") for query in strangers for name in trusted
    )


def test_more_strangers_than_photos_are_each_edited_in_several_ways(folder: Path, tmp_path: Path) -> None:
    kinds = ["crop 50", "mirror", "darker", "collage of trusted 2"]
    made = make_queries(folder, tmp_path / "out", per_photo=1, strangers=10, kinds=kinds)
    strangers = [query for query in made if query.reference is None]
    assert len({query.path for query in strangers}) == len(strangers) == 10
    assert "collage of trusted 2" not in {query.kind for query in strangers}
    photos = Counter(next(p.stem for p in folder.iterdir() if query.path.name.startswith(p.stem + "-"))
                     for query in strangers)  # fmt: skip
    assert sorted(photos.values()) == [2, 2, 3, 3]
    assert max(Counter(query.kind for query in strangers).values()) == 4


def test_queries_of_several_trusted_photos_name_them_all(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = make_queries(folder, out, per_photo=3, strangers=1, kinds=[*FURTHER_SOURCES, "mirror"])
    trusted = set((out.resolve() / "trusted").iterdir())
    for query in made:
        assert len(query.also) == FURTHER_SOURCES.get(query.kind, 0)
        assert len(set(query.originals)) == len(query.originals)
        assert set(query.originals) <= trusted
    assert [query.also for query in read_queries(out / "queries.csv")] == [query.also for query in made]


def test_a_tile_of_a_collage_is_the_photo_named(pictures: list[np.ndarray]) -> None:
    first, *others = pictures
    whole = TracedPicture.whole(first)
    shown = KINDS["collage of trusted 4"](whole, np.random.default_rng(1), others).pixels.astype(int)
    for other in others:
        color = other.reshape(-1, 3).mean(axis=0)
        height, width = shown.shape[0] // 2, shown.shape[1] // 2
        tiles = [
            shown[y : y + height, x : x + width].mean(axis=(0, 1)) for y in (0, height) for x in (0, width)
        ]
        assert min(np.abs(tile - color).max() for tile in tiles) < 20


def test_with_other_photos_given_all_photos_are_trusted(folder: Path, tmp_path: Path) -> None:
    others = tmp_path / "others"
    others.mkdir()
    for path in sorted(folder.iterdir())[:3]:
        path.rename(others / path.name)
    made = make_queries(folder, tmp_path / "out", others=others, per_photo=1, strangers=3)
    assert Counter(query.reference is None for query in made) == {False: 5, True: 3}


def test_a_photo_there_twice_is_used_once(folder: Path, tmp_path: Path) -> None:
    first, second, *_ = sorted(folder.iterdir())
    others = tmp_path / "others"
    others.mkdir()
    for path, target in ((first, folder / "twin.jpg"), (second, others / "twin.jpg")):
        with Image.open(path) as image:
            image.resize((200, 140)).save(target, quality=70)
    shutil.copy(sorted(folder.iterdir())[3], others / "copy.png")
    Image.effect_mandelbrot((200, 140), (-2, -1, 1, 1), 40).save(others / "stranger.png")
    made = make_queries(folder, tmp_path / "out", others=others, per_photo=1, strangers=1)
    assert sum(query.reference is not None for query in made) == 8
    assert [query.path.name[:9] for query in made if query.reference is None] == ["stranger-"]
    with pytest.raises(NotFoundError, match="2 strangers"):
        make_queries(folder, tmp_path / "more", others=others, per_photo=1, strangers=2, kinds=["mirror"])


def test_branded_photos_and_as_many_strangers_share_what_their_kind_says(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    made = make_queries(folder, out, per_photo=1, kinds=["as posted"], strangers=1, branded=2)
    strangers = [query for query in made if query.reference is None]
    assert [query.kind for query in strangers] == ["as posted", "shared banner", "shared logo"]
    trusted = [np.asarray(Image.open(path)).astype(int) for path in sorted((out / "trusted").iterdir())]
    banner = np.s_[-30:, :100]
    with Image.open(strangers[1].path) as image:
        shown = np.asarray(image.convert("RGB")).astype(int)
    assert sum(np.abs(shown[banner] - other[banner]).mean() < 12 for other in trusted) == 1
    assert all(np.abs(shown[:100] - other[:100]).mean() > 15 for other in trusted)


def test_no_stranger_gets_the_same_trap_twice(folder: Path, tmp_path: Path) -> None:
    made = make_queries(folder, tmp_path / "out", per_photo=1, kinds=["as posted"], branded=4)
    assert len({query.path for query in made}) == 8
    few, many = tmp_path / "few", tmp_path / "many"
    few.mkdir()
    for path in sorted(folder.iterdir())[:2]:
        path.rename(few / path.name)
    made = make_queries(folder, many, others=few, per_photo=1, kinds=["as posted"], branded=6)
    assert len({query.path for query in made if query.reference is None}) == 6


@pytest.mark.parametrize("kind", TRAPS)
def test_a_trap_draws_the_same_on_different_pictures(kind: str, pictures: list[np.ndarray]) -> None:
    def trap(picture: np.ndarray, design: int) -> tuple[TracedPicture, bytes]:
        made, _, data = edit(picture, kind, np.random.default_rng(1), [], design=design)
        return made, data

    (one, data), (again, same), (two, _) = trap(pictures[0], 5), trap(pictures[0], 5), trap(pictures[1], 5)
    assert data == same
    np.testing.assert_array_equal(one.pixels, again.pixels)
    drawn = ~one.visible & ~two.visible
    assert 0.01 < drawn.mean() < 0.75
    # A watermark lets half of each picture through.
    alike = 40 if kind == "shared watermark" else 10
    assert np.abs(one.pixels[drawn].astype(int) - two.pixels[drawn]).mean() < alike
    assert one.kept_area > 0.5
    x, y = np.moveaxis(one.origin[one.visible], -1, 0)
    expected = pictures[0][(y * 240).astype(int), (x * 360).astype(int)].astype(int)
    if kind != "shared watermark":
        assert np.percentile(np.abs(expected - one.pixels[one.visible]), 95) < 25
    other, _ = trap(pictures[0], 6)
    if kind != "shared face":
        assert other.pixels.shape != one.pixels.shape or (other.pixels != one.pixels).mean() > 0.01


def test_kinds_are_dealt_evenly_and_never_twice_to_a_photo(folder: Path, tmp_path: Path) -> None:
    kinds = ["crop 50", "mirror", "inset"]
    made = make_queries(folder, tmp_path / "out", per_photo=3, kinds=kinds)
    assert Counter(query.kind for query in made) == dict.fromkeys(kinds, 4)
    assert len({(query.reference, query.kind) for query in made}) == len(made) == 12
    assert all(query.path.is_file() for query in made)


def test_the_table_says_what_was_made(folder: Path, tmp_path: Path) -> None:
    made = make_queries(folder, tmp_path / "out", per_photo=2, strangers=2)
    with (tmp_path / "out" / "queries.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert not any(Path(cell).is_absolute() for row in rows[1:] for cell in row[:2])
    read = read_queries(tmp_path / "out" / "queries.csv")
    assert [(query.path, query.reference, query.kind, query.short_side_px) for query in read] == [
        (query.path, query.reference, query.kind, query.short_side_px) for query in made
    ]
    assert [query.kept_area for query in read] == pytest.approx(
        [query.kept_area for query in made], abs=0.001
    )


def test_a_table_of_two_columns_is_enough(tmp_path: Path) -> None:
    for name in ("q.jpg", "r.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "queries.csv").write_text("query,reference\nq.jpg,r.jpg\nq.jpg,\n")
    first, second = read_queries(tmp_path / "queries.csv")
    assert (first.reference, second.reference) == (tmp_path / "r.jpg", None)
    assert (first.kind, first.kept_area, first.short_side_px) == ("", 1.0, None)


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (None, NotFoundError, "no such file"),
        ("", UsageError, "columns"),
        ("query,reference\n", UsageError, "at least one"),
        ("picture,original\na,b\n", UsageError, "columns"),
        ("query,reference\nmissing.jpg,\n", NotFoundError, r"missing\.jpg"),
        ("query,reference,kept_area\nq.jpg,,much\n", UsageError, "line 2"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, text: str | None, error: type[Exception], says: str) -> None:
    (tmp_path / "q.jpg").touch()
    if text is not None:
        (tmp_path / "queries.csv").write_text(text)
    with pytest.raises(error, match=says):
        read_queries(tmp_path / "queries.csv")


def test_wrong_calls_say_the_cure_and_write_nothing(folder: Path, tmp_path: Path) -> None:
    out, few = tmp_path / "out", tmp_path / "few"
    few.mkdir()
    for path in sorted(folder.iterdir())[:3]:
        path.rename(few / path.name)
    shutil.copytree(few, folder, dirs_exist_ok=True)
    with pytest.raises(UsageError, match="crop 50"):
        make_queries(folder, out, kinds=["no such kind"])
    with pytest.raises(UsageError, match="as many kinds"):
        make_queries(folder, out, kinds=["mirror"], per_photo=2)
    with pytest.raises(NotFoundError, match="9 strangers"):
        make_queries(folder, out, strangers=9, kinds=["crop 50", "mirror"])
    with pytest.raises(NotFoundError, match="1 strangers"):
        make_queries(folder, out, strangers=1, per_photo=1, kinds=["collage of trusted 2"])
    with pytest.raises(NotFoundError, match="5 branded"):
        make_queries(folder, out, branded=5)
    with pytest.raises(NotFoundError, match="needs 4 trusted photos; there are 3"):
        make_queries(few, out, others=folder, kinds=["collage of trusted 4"])
    with pytest.raises(NotFoundError, match="no such"):
        make_queries(tmp_path / "missing", out)
    assert not out.exists()
    make_queries(folder, out, per_photo=1)
    with pytest.raises(UsageError, match="already"):
        make_queries(folder, out)


def test_a_part_of_the_queries_has_all_kinds_about_equally_often() -> None:
    kinds = ["crop"] * 30 + ["mirror"] * 30 + ["rare"] * 2
    queries = [Query(Path(f"{number}"), None, kind) for number, kind in enumerate(kinds)]
    part = choose(queries, 20, seed=1)
    assert Counter(query.kind for query in part) == {"crop": 9, "mirror": 9, "rare": 2}
    assert sorted(part, key=queries.index) == list(part)
    assert part == choose(queries, 20, seed=1) != choose(queries, 20, seed=2)
    assert choose(queries, 100) == tuple(queries)


def test_photos_on_another_disk_are_copied(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError("cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    make_queries(folder, tmp_path / "out", per_photo=1)
    for path in (tmp_path / "out" / "trusted").iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes()
