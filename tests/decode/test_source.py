"""Files: only regular ones are read, within limits; a refusal names the file, the reason and the cure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provenance.decode import Limits, decode, read_source
from provenance.errors import FetchError, ImageTooLargeError, NotFoundError, UnreadableError
from tests.decode.pictures import samples


def test_path_text_and_bytes_give_the_same_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(samples()["PNG"])
    by_path, by_text, by_bytes = decode(path), decode(str(path)), decode(path.read_bytes(), name="given")
    assert by_path.sha256 == by_text.sha256 == by_bytes.sha256
    assert by_path.name == by_text.name == str(path)
    assert by_bytes.name == "given"
    assert by_path.byte_size == path.stat().st_size


@pytest.mark.parametrize("name", ["наш снимок 🦊.png", "two\nlines.png", "-rf.png", "a'b\"c.png"])
def test_odd_names_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(samples()["PNG"])
    assert decode(tmp_path / name).width == 32


def test_missing_file() -> None:
    with pytest.raises(NotFoundError, match=r"'no/such\.png': no such file; check the path"):
        decode(Path("no/such.png"))


def test_impossible_names(tmp_path: Path) -> None:
    for name in ("a\0b.png", "x" * 5000):
        with pytest.raises(NotFoundError):
            decode(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX permissions")
def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(samples()["PNG"])
    path.chmod(0)
    if os.geteuid() == 0:  # root may read everything: let the system say what it says to others

        def refuse(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UnreadableError, match="permission denied"):
        decode(path)


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="is a folder"):
        decode(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.timeout(20)
def test_pipes_and_devices_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", Path("/dev/zero")):
        with pytest.raises(UnreadableError, match="pipe, device or socket"):
            decode(path)


def test_symlink_loop(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "b.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    with pytest.raises(UnreadableError, match="symbolic links"):
        decode(tmp_path / "a.png")


def test_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(2**40)  # sparse: a terabyte that takes no space
    with pytest.raises(ImageTooLargeError, match="max_bytes"):
        read_source(path, Limits())


def test_bytes_over_the_limit_are_refused_by_their_name() -> None:
    with pytest.raises(ImageTooLargeError, match=r"^'web\.jpg': "):
        decode(b"123", name="web.jpg", limits=Limits(max_bytes=2))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
def test_file_that_hides_its_size_is_cut_off() -> None:
    with pytest.raises(ImageTooLargeError):
        read_source(Path("/proc/self/maps"), Limits(max_bytes=16))


def test_other_schemes_are_refused() -> None:
    for address in ("ftp://example.org/a.jpg", "file:///etc/passwd"):
        with pytest.raises(FetchError, match="http or https"):
            decode(address)
