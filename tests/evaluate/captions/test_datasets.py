"""Readers of data sets, on small folders in the published layouts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provenance.errors import InputError, NotFoundError, UsageError
from provenance.evaluate.captions.datasets import DATASETS, is_dataset, read_dataset, require_pictures
from provenance.evaluate.captions.pairs import CaptionedPair

Lay = Callable[[dict[str, Any]], Path]


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """Makes a folder of files: JSON, text as it is, and empty pictures for None."""

    def lay_files(files: dict[str, Any]) -> Path:
        for name, content in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                file.touch()
            else:
                file.write_text(
                    content if isinstance(content, str) else json.dumps(content), encoding="utf-8"
                )
        return tmp_path

    return lay_files


def summary(pairs: tuple[CaptionedPair, ...], folder: Path) -> list[tuple[str, tuple[str, ...], str, str]]:
    """Id, captions, and pictures relative to the folder."""
    require_pictures(pairs)
    return [
        (
            pair.id,
            pair.captions,
            *(str(file and file.relative_to(folder)) for file in (pair.before, pair.after)),
        )
        for pair in pairs
    ]


def test_image_editing_request(lay: Lay) -> None:
    row = {"uid": "Reddit_2", "img0": "a.jpg", "img1": "b.jpg", "sents": ["x", "y"]}
    folder = lay({"test.json": [row], "valid.json": [], "images/a.jpg": None, "images/b.jpg": None})
    expected = [("Reddit_2", ("x", "y"), "images/a.jpg", "images/b.jpg")]
    assert summary(read_dataset(f"ier:{folder}"), folder) == expected
    with pytest.raises(NotFoundError, match=r"holds no train.json or ier_train.json"):
        read_dataset(f"ier:{folder}", "train")


def test_spot_the_diff_puts_rows_of_one_id_together(lay: Lay) -> None:
    rows = [{"img_id": "7", "sentences": ["x"]}, {"img_id": "7", "sentences": ["y", "z"]}]
    folder = lay(
        {"annotations/test.json": rows, "resized_images/7.png": None, "resized_images/7_2.png": None}
    )
    expected = [("7", ("x", "y", "z"), "resized_images/7.png", "resized_images/7_2.png")]
    assert summary(read_dataset(f"spot-the-diff:{folder}"), folder) == expected


def test_clevr_change_has_unchanged_pairs_and_the_ids_of_its_evaluation(lay: Lay) -> None:
    names = ["CLEVR_default_000000.png", "CLEVR_default_000003.png"]
    pictures = {
        f"data/{place}/CLEVR_{kind}_{number}.png": None
        for place, kind in (("images", "default"), ("sc_images", "semantic"), ("nsc_images", "nonsemantic"))
        for number in ("000000", "000003")
    }
    folder = lay(
        {
            "data/change_captions.json": {name: ["the cube moved"] for name in names},
            "data/no_change_captions.json": {name: ["no change was made"] for name in names},
            "data/splits.json": {"train": [0], "test": [3]},
            **pictures,
        }
    )
    before = "data/images/CLEVR_default_000003.png"
    assert summary(read_dataset(f"clevr-change:{folder}"), folder) == [
        ("000003.png", ("the cube moved",), before, "data/sc_images/CLEVR_semantic_000003.png"),
        ("000003.png_n", ("no change was made",), before, "data/nsc_images/CLEVR_nonsemantic_000003.png"),
    ]
    with pytest.raises(UsageError, match="no split 'valid'; there are train, test"):
        read_dataset(f"clevr-change:{folder}", "valid")


@pytest.mark.parametrize(
    ("captions", "before", "after", "name"),
    [
        ({"7": ["x"], "8": ["y"]}, "bef", "aft", "7.png"),
        ({"000007.png": ["x"], "000008.png": ["y"]}, "images", "sc_images", "000007.png"),
    ],
)
def test_clevr_dc_as_published_and_as_renamed(
    lay: Lay, captions: dict[str, list[str]], before: str, after: str, name: str
) -> None:
    folder = lay(
        {
            ("captions.json" if before == "bef" else "change_captions.json"): captions,
            "split.json": {"train": [8], "test": [7]},
            f"{before}/{name}": None,
            f"{after}/{name}": None,
        }
    )
    key = next(iter(captions))
    assert summary(read_dataset(f"clevr-dc:{folder}"), folder) == [
        (key, ("x",), f"{before}/{name}", f"{after}/{name}")
    ]


def test_ps_battles_with_and_without_captions(lay: Lay) -> None:
    folder = lay(
        {"originals/abc.jpg": None, "photoshops/abc/d1_0.png": None, "photoshops/abc/d2_0.jpg": None}
    )
    expected = [
        ("d1_0", (), "originals/abc.jpg", "photoshops/abc/d1_0.png"),
        ("d2_0", (), "originals/abc.jpg", "photoshops/abc/d2_0.jpg"),
    ]
    assert summary(read_dataset(f"psbattle:{folder}"), folder) == expected
    lay({"captions.json": {"d2_0": ["a hippo holds a bible", "x", "y"]}})
    (pair,) = read_dataset(f"psbattle:{folder}")
    assert (pair.id, pair.captions[0]) == ("d2_0", "a hippo holds a bible")
    lay({"captions.json": {"d9_0": ["x"]}})
    with pytest.raises(NotFoundError, match=r"1 of 1 pictures are not there.*d9_0"):
        require_pictures(read_dataset(f"psbattle:{folder}"))


def test_instruct_pix2pix_splits_as_its_authors_do(lay: Lay) -> None:
    listed = [[f"shard-00/{number:07}", ["11", "22"]] for number in range(40)]
    last = "shard-00/0000039"
    folder = lay(
        {
            "seeds.json": listed,
            f"{last}/prompt.json": {"input": "a dog", "edit": "make it a cat", "output": "a cat"},
            **{f"{last}/{seed}_{side}.jpg": None for seed in ("11", "22") for side in (0, 1)},
            "shard-00/0000038/prompt.json": {"instruction": "make it night"},
        }
    )
    pairs = read_dataset(f"instructpix2pix:{folder}")
    assert [pair.id for pair in pairs] == [
        "shard-00/0000038/11",
        "shard-00/0000038/22",
        f"{last}/11",
        f"{last}/22",
    ]
    assert summary(pairs[2:3], folder) == [
        (f"{last}/11", ("make it a cat",), f"{last}/11_0.jpg", f"{last}/11_1.jpg")
    ]
    (folder / "seeds.json").unlink()
    assert len(read_dataset(f"instructpix2pix:{folder}", "all")) == 2
    (folder / last / "prompt.json").write_text("{}")
    with pytest.raises(InputError, match='names no "edit"'):
        read_dataset(f"instructpix2pix:{folder}", "all")


def test_magicbrush_in_both_layouts(lay: Lay) -> None:
    turn = {"input": "5-input.png", "mask": "m.png", "output": "5-output1.png", "instruction": "add a cat"}
    folder = lay(
        {
            "dev/edit_sessions.json": {"5": [turn]},
            "dev/images/5/5-input.png": None,
            "dev/images/5/5-output1.png": None,
        }
    )
    expected = [("5-output1", ("add a cat",), "dev/images/5/5-input.png", "dev/images/5/5-output1.png")]
    assert summary(read_dataset(f"magicbrush:{folder}", "dev"), folder) == expected
    lay({"pairs.json": [{"original": "a.jpg", "edited": "b.jpg"}]})
    with pytest.raises(InputError, match="not in MagicBrush's layout"):
        read_dataset(f"magicbrush:{folder}")


def test_the_shared_magicbrush_pairs_are_whole(shared: Path) -> None:
    pairs = read_dataset(f"magicbrush:{shared / 'pairs' / 'magicbrush'}")
    require_pictures(pairs)
    assert len(pairs) == len({pair.id for pair in pairs}) == 22


def test_a_table_of_ones_own(lay: Lay) -> None:
    text = (
        "id,before,after,caption,category,split\n"
        "1,a.png,b.png,remove the man,local object,test\n"
        '1,a.png,b.png,"take him out, please",text,\n'
        "2,a.png,c.png,,,train\n"
    )
    folder = lay({"pairs.csv": text, "a.png": None, "b.png": None})
    pairs = read_dataset(f"csv:{folder}")
    assert summary(pairs, folder) == [("1", ("remove the man", "take him out, please"), "a.png", "b.png")]
    assert pairs[0].categories == ("local_object", "text")
    assert read_dataset(f"csv:{folder / 'pairs.csv'}") == pairs
    lay({"own.csv": "before,after\nx/a.png,x/b.png\n"})
    assert read_dataset(f"csv:{folder / 'own.csv'}")[0].id == "x/b.png"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("before,caption\na,b\n", "needs the columns before and after"),
        ("before,after\na.png,\n", "line 2: no picture before or after"),
        ("id,before,after\n1,a,b\n1,a,c\n", "line 3: the id '1' names two pairs"),
        ("before,after,split\na,b,train\n", "the split 'test' of csv holds no pairs"),
    ],
)
def test_a_broken_table_is_named_by_its_line(lay: Lay, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_dataset(f"csv:{lay({'pairs.csv': text})}")


def test_wrong_specs_name_the_cure(tmp_path: Path) -> None:
    for spec in ("coco:x", "ier", "ier:"):
        with pytest.raises(UsageError, match="known names are ier, spot-the-diff"):
            read_dataset(spec)
    with pytest.raises(NotFoundError, match="give that of the data set ier"):
        read_dataset(f"ier:{tmp_path / 'nowhere'}")
    with pytest.raises(InputError, match="pairs without pictures"):
        require_pictures([CaptionedPair("1", ("x",))])
    assert is_dataset("ier:folder") and not is_dataset("answers.json")


@pytest.mark.parametrize("name", DATASETS)
def test_a_folder_without_the_data_set_says_what_is_lacking(name: str, tmp_path: Path) -> None:
    with pytest.raises((NotFoundError, InputError)) as caught:
        read_dataset(f"{name}:{tmp_path}")
    assert str(tmp_path) in str(caught.value)
