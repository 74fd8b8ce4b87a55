"""Settings: where they come from, and what a mistake says."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenance.errors import SettingsError
from provenance.settings import Settings


def test_the_environment_sets_one_option_and_leaves_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVENANCE_SEARCH__TOP_K", "3")
    settings = Settings.read()
    assert settings.search.top_k == 3
    assert settings.search.deep_k == Settings.model_fields["search"].default.deep_k


def test_arguments_beat_the_environment_and_the_environment_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "provenance.toml").write_text("threads = 3\n[search]\ntop_k = 5\n")
    assert (Settings.read(tmp_path).threads, Settings.read(tmp_path).search.top_k) == (3, 5)
    monkeypatch.setenv("PROVENANCE_THREADS", "4")
    assert Settings.read(tmp_path).threads == 4
    assert Settings.read(tmp_path, threads=1).threads == 1


def test_the_home_of_the_environment_is_used(tmp_path: Path) -> None:
    assert Settings.read().home == tmp_path / "home"
    assert str(tmp_path / "home") in Settings.read().database_url


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[search]\ntop_q = 5\n", "search.top_q"),
        ("nonsense = 1\n", "nonsense"),
        ("threads = -1\n", "threads"),
    ],
)
def test_a_wrong_name_or_value_is_refused_by_name(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "provenance.toml").write_text(text)
    with pytest.raises(SettingsError, match=place):
        Settings.read(tmp_path)


def test_a_broken_file_is_a_settings_error(tmp_path: Path) -> None:
    (tmp_path / "provenance.toml").write_text("[search\n")
    with pytest.raises(SettingsError, match=r"provenance\.toml"):
        Settings.read(tmp_path)
