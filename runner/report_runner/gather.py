"""
The first stage of a run: fetch all sources, and meanwhile find or make the ReportRun.

All of it waits for other machines, so it runs in threads; the script host gets ready beside it.
"""

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import BoundedSemaphore, Event, Thread
from typing import Final

from report_runner.http_request import RequestHeader
from report_runner.ledger import Ledger, LedgerAwayError, OpenedRun
from report_runner.logs import RunLog
from report_runner.script_job import SourceFile
from report_runner.sources import Volume, copy_file_source
from report_types.fields import SecretKeyRef
from report_types.outcome import Reason, RunError
from report_types.plan import RunPlan
from report_types.source import Header, HTTPSource, Source

MAX_PARALLEL: Final = 4
_EXTENSIONS: Final[Mapping[str, str]] = {"CSV": "csv", "JSON": "json", "NDJSON": "ndjson"}
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)

ReadSecret = Callable[[str, int, SecretKeyRef], str | None]
"""Return the value for a source's header by its number, or None if there is none."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where sources come from and go to: *volume_of* a file source, *read_secret*, *input*."""

    input: Path
    volume_of: Callable[[Source], Volume]
    read_secret: ReadSecret


class Gathering:
    """Fetching that has begun; ``wait`` ends it."""

    def __init__(self, plan: RunPlan, places: Places, ledger: Ledger, log: RunLog) -> None:
        self._plan = plan
        self._places = places
        self._ledger = ledger
        self._log = log
        self._cancelled = Event()
        self._slots = BoundedSemaphore(MAX_PARALLEL)
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()
        self._opening = Thread(target=self._open, name="open", daemon=True)
        self._opened: OpenedRun | RunError | LedgerAwayError | None = None

    def start(self) -> None:
        """Begin; nothing is waited for."""
        self._opening.start()
        for source in self._plan.spec.sources:
            # Daemons: one that hangs must not keep the process.
            Thread(target=self._fetch, args=(source,), name=source.name, daemon=True).start()

    def wait(self) -> tuple[SourceFile, ...]:
        """
        Wait for all sources, and return their files.

        Raises:
            RunError: one cannot be had; the others are given up.
        """
        try:
            for _ in self._plan.spec.sources:
                error = self._done.get()
                if error is not None:
                    raise error
        finally:
            self.cancel()
        return tuple(_source_file(source) for source in self._plan.spec.sources)

    def opened(self, seconds: float) -> OpenedRun | None:
        """
        Return the run as it was found; None if the API server has not said within *seconds*.

        Raises:
            RunError: the run is not ours, or is gone.
        """
        self._opening.join(seconds)
        if isinstance(self._opened, RunError):
            raise self._opened
        return self._opened if isinstance(self._opened, OpenedRun) else None

    def cancel(self) -> None:
        """Give up what is still being fetched."""
        self._cancelled.set()

    def _open(self) -> None:
        try:
            self._opened = self._ledger.open()
        except (RunError, LedgerAwayError) as error:
            self._opened = error

    def _fetch(self, source: Source) -> None:
        try:
            with self._slots:
                self._fetch_one(source)
            self._done.put(None)
        except OSError as error:
            self._done.put(_no_room(source.name) if error.errno in _FULL else error)
        except BaseException as error:
            self._done.put(error)

    def _fetch_one(self, source: Source) -> None:
        # Imported here, so that the ReportRun is asked for while httpx is still being loaded.
        target = self._places.input / _source_file(source).file
        if source.file:
            volume = self._places.volume_of(source)
            size = copy_file_source(source.name, source.file, volume, target, self._cancelled)
            self._log.info("copied", source=source.name, bytes=size)
            return
        from report_runner.fetch import Fetcher

        assert source.http, "a source is a file or http"
        headers = self._headers(source.name, source.http)
        fetcher = Fetcher(self._log, self._cancelled)
        fetcher.fetch(source.name, source.http, headers, target, self._plan.spec.retry.fetch)

    def _headers(self, name: str, http: HTTPSource) -> tuple[RequestHeader, ...]:
        return tuple(
            self._header(name, number, header) for number, header in enumerate(http.headers)
        )

    def _header(self, name: str, number: int, header: Header) -> RequestHeader:
        if header.value_from is None:
            return RequestHeader(name=header.name, value=(header.value or "").encode())
        ref = header.value_from.secret_key_ref
        place = f"spec.sources[{name}].http.headers[{header.name}]: "
        value = self._places.read_secret(name, number, ref)
        if value is None:
            raise RunError(
                Reason.SECRET_MISSING,
                f"{place}there is no Secret {ref.name} with the key {ref.key}: create it, or "
                "correct the name",
            )
        # A line break at the end is how files end, and none of the value's.
        value = value.rstrip("\r\n")
        self._log.redactor.add(value, *value.split())
        if any(ord(character) < 32 and character != "\t" for character in value):
            raise RunError(
                Reason.INVALID_SPEC,
                f"{place}the key {ref.key} of Secret {ref.name} must hold one line of text",
            )
        return RequestHeader(name=header.name, value=value.encode(), secret=True)


def mounted_volume(source: Source, folder: Path) -> Volume:
    """Return the volume of a file source in the pod, which is mounted below *folder*."""
    file = source.file
    assert file, "only a file source has a volume"
    if file.config_map:
        called = f"ConfigMap {file.config_map.name}"
    else:
        assert file.persistent_volume_claim, "a file source has exactly one of them"
        called = f"PersistentVolumeClaim {file.persistent_volume_claim.claim_name}"
    return Volume(path=folder / source.name, called=called)


def _source_file(source: Source) -> SourceFile:
    kind = source.http or source.file
    assert kind is not None
    return SourceFile(
        name=source.name,
        file=f"{source.name}.{_EXTENSIONS[kind.format]}",
        format=str(kind.format),
        records_path=kind.records_path,
    )


def _no_room(name: str) -> RunError:
    return RunError(
        Reason.SOURCE_TOO_LARGE,
        f"spec.sources[{name}]: there is no room for it in the pod: fetch less, or set "
        "http.maxSize of the sources to what they need",
    )
