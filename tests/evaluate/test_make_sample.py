"""The committed sample is what the committed script makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_script_makes_the_committed_sample(sample: Path, shared: Path, tmp_path: Path) -> None:
    script = ROOT / "tools" / "make_sample_db.py"
    subprocess.run(
        [sys.executable, str(script), str(shared / "photos" / "public_domain"), str(tmp_path)],
        check=True,
        capture_output=True,
    )
    for name in ("truth.json", "credits.csv"):
        assert (tmp_path / name).read_text("utf-8") == (sample / name).read_text("utf-8")
    for photo in (sample / "photos").iterdir():
        assert (tmp_path / "photos" / photo.name).read_bytes() == photo.read_bytes()
    for query in (sample / "queries").iterdir():
        # Encoders differ a little between versions; the picture must not.
        with Image.open(query) as old, Image.open(tmp_path / "queries" / query.name) as new:
            difference = np.abs(np.asarray(old.convert("RGB")).astype(int) - np.asarray(new.convert("RGB")))
        assert difference.mean() < 2, query.name
