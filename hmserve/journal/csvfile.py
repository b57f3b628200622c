"""The lines of a CSV file, whoever wrote it: LF or CRLF, byte order mark, blank lines, gzip."""

import csv
import io
import zlib
from collections.abc import Iterator

from hmserve.errors import ScenarioError
from hmserve.journal.files import reason


def read_lines(path: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each line that is not blank, with its number, as cells without outer blanks.

    Raises:
        ScenarioError: The file cannot be read, or is no CSV.
    """
    reader = csv.reader(io.StringIO(_text(path), newline=""))
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise ScenarioError(f"{path}, line {reader.line_num}: no CSV: {error}") from None


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read()
        if data.startswith(b"\x1f\x8b"):
            import gzip

            data = gzip.decompress(data)
        return data.decode("utf-8-sig")
    except OSError as error:
        raise ScenarioError(f"cannot read {path}: {reason(error)}") from error
    except (EOFError, zlib.error) as error:
        raise ScenarioError(
            f"cannot read {path}: the gzip data are damaged: {error}"
        ) from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"cannot read {path}: it is not UTF-8 text: {error}") from error
