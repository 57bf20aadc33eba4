"""The text of a file as lines, or as blocks that end where a line ends, whatever its encoding."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from coprodstats.survey.file_format import codec

_BLOCK = 8 * 1024**2


def text_source(stream: BinaryIO, encoding: str) -> TextSource:
    r"""Return the text of a file from its beginning, a byte-order mark aside.

    Bytes that are no text in the encoding are replaced: whoever looks for them has found them before.

    Examples
    --------
    >>> import io
    >>> source = text_source(io.BytesIO(b"id\n1\n2"), "utf-8")
    >>> source.line(), source.block(), source.block(), source.n_lines
    ('id\n', b'1\n2', b'', 3)
    """
    stream.seek(0)
    name = "utf-8-sig" if codec(encoding) == "utf-8" else encoding
    return TextSource(stream=stream, decoder=codecs.getincrementaldecoder(name)(errors="replace"))


@dataclass(slots=True)
class TextSource:
    """Text that is taken line by line or block by block, as UTF-8.

    Attributes
    ----------
    stream
        The file.
    decoder
        Turns its bytes into text.
    n_lines
        Number of lines taken so far.
    """

    stream: BinaryIO
    decoder: codecs.IncrementalDecoder
    n_lines: int = 0
    _rest: bytes = b""
    _start: int = 0
    _ended: bool = False

    def line(self) -> str:
        """Take one line with its end; empty at the end of the file."""
        end = self._line_end(self._start)
        while end < 0 and not self._ended:
            known = len(self._rest) - self._start
            self._fill()
            # What was there already held no end, but for a last carriage return.
            end = self._line_end(self._start + max(known - 1, 0))
        end = len(self._rest) if end < 0 else end
        line = self._taken(end)
        self.n_lines += bool(line)
        return line.decode("utf-8")

    def block(self) -> bytes:
        """Take some megabytes of whole lines, of which no record is cut if its quotes are paired."""
        while not self._ended and len(self._rest) - self._start < _BLOCK:
            self._fill()
        end = self._block_end()
        while end < 0 and not self._ended:
            self._fill()
            end = self._block_end()
        block = self._taken(len(self._rest) if end < 0 else end)
        self.n_lines += line_count(block)
        return block

    def _fill(self) -> None:
        read = self.stream.read(_BLOCK)
        self._ended = not read
        text = self.decoder.decode(read, final=not read)
        self._rest = self._rest[self._start :] + text.encode("utf-8", errors="replace")
        self._start = 0

    def _taken(self, end: int) -> bytes:
        taken = self._rest[self._start : end]
        self._start = end
        return taken

    def _line_end(self, start: int) -> int:
        """Return where the line ends that is open at ``start``; -1 if that isn't known yet."""
        feed = self._rest.find(b"\n", start)
        stop = feed if feed >= 0 else len(self._rest)
        back = self._rest.find(b"\r", start, stop)
        if back < 0 or back + 1 == feed:
            return feed + 1 if feed >= 0 else -1
        if back + 1 == len(self._rest) and not self._ended:
            return -1
        return back + 1

    def _block_end(self) -> int:
        """Return where the last line ends that no open quote goes on from; -1 if that isn't known yet."""
        if self._ended:
            return len(self._rest)
        mark = b"\n" if self._rest.find(b"\n", self._start) >= 0 else b"\r"
        end = last = self._rest.rfind(mark, self._start, len(self._rest) - (mark == b"\r"))
        open_quotes = self._rest.count(b'"', self._start, end) % 2 if end >= 0 else 0
        while open_quotes and end >= 0:
            before = self._rest.rfind(mark, self._start, end)
            open_quotes ^= self._rest.count(b'"', max(before, self._start), end) % 2
            end = before
        # Quotes that are never paired don't hold up the rest of the file.
        return (end if end >= 0 else last) + 1 if last >= 0 else -1


def line_count(block: bytes) -> int:
    r"""Return the number of lines in a block, the last of which may lack its end.

    Examples
    --------
    >>> line_count(b"a\r\nb\rc\nd")
    4
    """
    count = block.count(b"\n")
    if b"\r" in block:
        count += block.count(b"\r") - block.count(b"\r\n")
    return count + (not block.endswith((b"\n", b"\r")) and bool(block))


def lines_of(block: bytes) -> Iterator[str]:
    r"""Yield the lines of a block with their ends.

    Examples
    --------
    >>> list(lines_of(b"a\x0bb\r\nc"))
    ['a\x0bb\r\n', 'c']
    """
    # Bytes are split at ends of lines only, texts at other characters too.
    return (line.decode("utf-8") for line in block.splitlines(keepends=True))
