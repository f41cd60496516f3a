"""File sources: what lies in the volume is copied, and nothing else can be reached through it."""

import os
import threading
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from report_runner import sources
from report_runner.files import FetchCancelledError
from report_runner.sources import Volume, copy_file_source
from report_types.outcome import Reason, RunError
from report_types.source import FileSource

CSV = b"a,b\n1,2\n"


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A folder as the kubelet mounts a ConfigMap: the keys are links into a hidden folder."""
    folder = tmp_path / "volume"
    hidden = folder / "..2026_11_22"
    hidden.mkdir(parents=True)
    (hidden / "sales.csv").write_bytes(CSV)
    (folder / "..data").symlink_to("..2026_11_22")
    (folder / "sales.csv").symlink_to("..data/sales.csv")
    return folder


def copy(volume: Path, path: str, cancelled: Event | None = None, **more: Any) -> bytes:
    told = {"configMap": {"name": "prices"}, "path": path, "format": "CSV", **more}
    source = FileSource.model_validate(told)
    target = volume.parent / "data.csv"
    called = Volume(path=volume, called="ConfigMap prices")
    size = copy_file_source("data", source, called, target, cancelled or Event())
    copied = target.read_bytes()
    assert size == len(copied)
    return copied


def refused(volume: Path, path: str, **more: Any) -> RunError:
    with pytest.raises(RunError) as caught:
        copy(volume, path, **more)
    assert caught.value.message.startswith("spec.sources[data].file.path: ConfigMap prices ")
    return caught.value


def test_a_key_of_a_config_map_is_copied(volume: Path) -> None:
    """Its links stay inside the volume, so they are followed."""
    assert copy(volume, "sales.csv") == CSV


def test_a_file_in_a_folder_is_copied(volume: Path) -> None:
    (volume / "2026").mkdir()
    (volume / "2026" / "x{1}.csv").write_bytes(CSV)

    assert copy(volume, "2026/x{1}.csv") == CSV


def test_a_missing_key_is_named(volume: Path) -> None:
    failure = refused(volume, "nope.csv")

    assert failure.reason == Reason.SOURCE_MISSING
    assert "has no key 'nope.csv'" in failure.message


def test_a_missing_volume_is_told_apart(tmp_path: Path) -> None:
    """An optional ConfigMap that is not there leaves an empty folder."""
    (tmp_path / "volume").mkdir()

    assert "does not exist or is empty" in refused(tmp_path / "volume", "x.csv").message
    assert "does not exist or is empty" in refused(tmp_path / "nowhere", "x.csv").message


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret.csv", "../../secret.csv"])
def test_a_link_out_of_the_volume_is_not_followed(volume: Path, target: str) -> None:
    (volume.parent / "secret.csv").write_bytes(b"secret\n")
    (volume / "way-out.csv").symlink_to(target)

    failure = refused(volume, "way-out.csv")
    assert failure.reason == Reason.SOURCE_MISSING
    assert "secret\n" not in failure.message
    assert not (volume.parent / "data.csv").exists()


def test_a_folder_that_leads_out_is_not_followed(volume: Path) -> None:
    (volume / "folder").symlink_to("/etc")

    assert "link out of the volume" in refused(volume, "folder/passwd").message


def test_a_link_that_changes_meanwhile_gains_nothing(
    volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was opened is judged, not what the path says before or after."""
    (volume.parent / "secret.csv").write_bytes(b"secret\n")
    way, opened = volume / "way.csv", os.open
    way.symlink_to("sales.csv")

    def swap_then_open(path: Any, *args: Any, **more: Any) -> int:
        if Path(path) == way:
            way.unlink()
            way.symlink_to("../secret.csv")
            descriptor = opened(path, *args, **more)
            way.unlink()
            way.symlink_to("sales.csv")
            return descriptor
        return opened(path, *args, **more)

    monkeypatch.setattr(sources.os, "open", swap_then_open)
    assert "link out of the volume" in refused(volume, "way.csv").message


def test_only_plain_files_are_read(volume: Path) -> None:
    """Not a folder, and not a pipe that nobody writes to."""
    (volume / "folder").mkdir()
    os.mkfifo(volume / "pipe")

    assert "no plain file" in refused(volume, "folder").message
    assert "no plain file" in refused(volume, "pipe").message


def test_links_in_a_circle_are_told(volume: Path) -> None:
    (volume / "a").symlink_to("b")
    (volume / "b").symlink_to("a")

    assert "cannot be read" in refused(volume, "a").message


@pytest.mark.parametrize(
    ("content", "format", "told"),
    [
        (b"", "CSV", "no data"),
        (b" \n", "CSV", "no data"),
        (b"<html>", "JSON", "web page"),
        (b"PK\x03\x04", "CSV", "Excel"),
    ],
)
def test_what_is_no_data_is_told(volume: Path, content: bytes, format: str, told: str) -> None:  # noqa: A002
    (volume / "x").write_bytes(content)

    failure = refused(volume, "x", format=format)
    assert failure.reason == Reason.SOURCE_INVALID
    assert told in failure.message


def test_too_large_a_file_is_not_taken(volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_FILE_BYTES", 3)

    assert refused(volume, "sales.csv").reason == Reason.SOURCE_TOO_LARGE


def test_a_copy_that_is_not_needed_any_more_ends(volume: Path) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(FetchCancelledError):
        copy(volume, "sales.csv", cancelled)


def test_the_other_container_may_read_the_copy(volume: Path) -> None:
    """It has another user of the same group; nobody else may."""
    old = os.umask(0o077)
    try:
        copy(volume, "sales.csv")
    finally:
        os.umask(old)

    assert (volume.parent / "data.csv").stat().st_mode & 0o777 == 0o640
