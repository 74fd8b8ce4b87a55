"""Make sample_db: 75 trusted photos with their credits, edited queries with their truth, and three strangers.

    python tools/make_sample_db.py ../shared/photos/public_domain sample_db

The first argument is a folder of public-domain and CC0 photos with a manifest.json (file, size, license,
author, source). Photos are copied byte for byte; queries are made from them by the recipes in
sample_edits.py, always the same. truth.json lists for each query its reference and its edits in the words
of the report (provenance/compare/__init__.py); an empty list means re-encoded or resized only, a null
reference that nothing trusted matches.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from PIL import Image
from sample_edits import DONORS, RECIPES, STRANGERS

TRUSTED_SIDE_PX = 1000
# Where the file name on Commons is no title, or leaves out what is shown.
TITLES = {
    "canyondeChelly": "Canyon de Chelly",
    "lincolnMemorial": "Lincoln Memorial, Washington, D.C.",
    "cabrillo": "Cabrillo National Monument, California",
    "castleClinton": "Castle Clinton National Monument, Battery Park, New York City, 1961",
    "meidumPyramid": "Meidum pyramid",
    "bentPyramid": "Bent Pyramid of Dahshur",
    "redPyramid": "Red Pyramid of Dahshur",
    "greatStupa": "Great Stupa of Sanchi",
    "gatewayofIndia": "Gateway of India",
    "konarkSunTemple": "Konark Sun Temple, front view",
    "goldenTemple": "Golden Temple, Amritsar",
    "ajantaCave": "Ajanta Caves, Aurangabad",
    "qutubMinar": "Qutub Minar, Delhi",
    "chateaudeChambord": "Château de Chambord, front view",
    "pontduGard": "Pont du Gard",
    "palaisdesPapes": "Main entrance of the Palais des Papes, Avignon, 2005",
    "reimsCathedral": "Reims Cathedral of Notre-Dame, chevet",
    "eiffelTower": "Eiffel Tower, 2005",
    "citedeCarcassonne": "Cité de Carcassonne",
    "arlesAmphitheater": "Arles Amphitheatre",
    "chateaudeChenonceau": "Château de Chenonceau",
    "montStMichel": "Mont Saint-Michel",
    "rocamadour": "Rocamadour",
    "schwerinPalace": "Schwerin Palace, 2012",
    "trierImperialBaths": "Imperial Baths, Trier",
    "wormsCathedral": "Worms Cathedral and its model",
    "machuPicchu": "Machu Picchu",
    "colosseum": "Colosseum, Rome, 2009",
    "petra": "Petra, Jordan",
    "koala": "Koala, Perth Zoo",
    "bison": "American bison",
    "dragon": "Komodo dragon (Varanus komodoensis)",
    "hedgehog": "Hedgehog (Erinaceus roumanicus), 2020",
    "kangaroo": "Eastern grey kangaroo and joey",
    "narwhal": "Pod of narwhals (Monodon monoceros)",
    "panda": "Giant panda, 2004",
    "chameleon": "Garden chameleon",
    "polar_bear": "Polar bear, Churchill Wildlife Management Area",
    "dog": "German shepherd",
    "cow": "Cow",
    "cat": "Kitten at play",
    "duck": "Aylesbury duck",
    "pig": "Pig, Savaii, Samoa",
    "japan": "Agi drums at a summer festival, Japan",
    "mexico": "Mariachi at Wikipedia 10, Guadalajara",
    "middleeast": "Dutār, Metropolitan Museum of Art",
    "windmill13": "Dutch windmill at Kinderdijk",
    "tajMahal": "Taj Mahal",
}


def main(photos: Path, out: Path) -> None:
    manifest = {
        _short(entry["file"]): entry for entry in json.loads((photos / "manifest.json").read_text("utf-8"))
    }
    for folder in (out / "photos", out / "queries"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    trusted = {
        _short(entry["file"]): entry
        for entry in json.loads((photos / "manifest.json").read_text("utf-8"))
        if max(entry["size"]) >= TRUSTED_SIDE_PX
    }
    credits = []
    for name, entry in sorted(trusted.items()):
        shutil.copyfile(photos / entry["file"], out / "photos" / f"{name}.webp")
        credits.append(_credit(f"photos/{name}.webp", name, entry))
    for name in STRANGERS:
        shutil.copyfile(photos / manifest[name]["file"], out / "queries" / f"stranger-{name}.webp")
        credits.append(_credit(f"queries/stranger-{name}.webp", name, manifest[name]))

    def load(name: str) -> Image.Image:
        entry = trusted.get(name) or manifest[name]
        return Image.open(photos / entry["file"]).convert("RGB")

    truth = []
    for recipe in RECIPES:
        picture, operations = recipe.edit(load(recipe.photo), load)
        path = f"queries/{recipe.photo}-{recipe.name}.{recipe.suffix}"
        picture.save(out / path, **recipe.save)
        truth.append({"query": path, "reference": f"photos/{recipe.photo}.webp", "operations": operations})
        credits += [_credit(path, donor, manifest[donor]) for donor in DONORS.get(recipe.name, ())]
    truth += [
        {"query": f"queries/stranger-{name}.webp", "reference": None, "operations": []} for name in STRANGERS
    ]
    _write(out, credits, truth)


def _write(out: Path, credits: list[dict[str, str]], truth: list[dict[str, Any]]) -> None:
    with (out / "credits.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["path", "title", "credit", "license", "source"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(credits)
    text = json.dumps(truth, ensure_ascii=False, indent=1)
    text = re.sub(r"\[\s+((?:-?[\d.]+,?\s+)+)\]", lambda match: f"[{' '.join(match[1].split())}]", text)
    (out / "truth.json").write_text(text + "\n", encoding="utf-8")
    total = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{len(truth)} queries, {total / 2**20:.1f} MB in all")


def _credit(path: str, name: str, entry: dict[str, Any]) -> dict[str, str]:
    return {
        "path": path,
        "title": TITLES.get(name) or _title(entry["source"]),
        "credit": entry["author"],
        "license": entry["license"],
        "source": entry["source"],
    }


def _short(file: str) -> str:
    return file.rpartition("__")[2].removesuffix(".webp")


def _title(source: str) -> str:
    """A title from a file name on Commons: no suffix, underscores, picture numbers or upload marks."""
    name = unquote(source.rpartition("File:")[2]).rpartition(".")[0].replace("_", " ")
    name = re.sub(r"\s*\((?:[\d ]+|[\da-f-]{30,}|cropped)\)|\s*-\s*Flickr.*", "", name)
    return re.sub(r"\s+\d$", "", name).strip(" .")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
