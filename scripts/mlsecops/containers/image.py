"""One image as the checks see it: configuration, files, and the Dockerfile's lines behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from mlsecops.containers.archive import Config, opened
from mlsecops.containers.layers import Entry, Filesystem, merged
from mlsecops.containers.origins import Origins, origins
from mlsecops.dockerfiles import Dockerfile

_ROOT = frozenset({"", "root", "0"})


@dataclass(frozen=True, slots=True)
class User:
    """Who the image's processes run as; a name that the image does not know has no number."""

    name: str
    number: int | None
    groups: frozenset[int]

    @property
    def is_root(self) -> bool:
        """Whether it may do anything."""
        return self.number == 0


@dataclass(frozen=True)
class Image:
    """An image, read to its end. `uri` is its Dockerfile; `sizes` the bytes of each layer as tar.

    `digests` are those of its layers.
    """

    uri: str
    dockerfile: Dockerfile
    config: Config
    files: Filesystem
    origins: Origins
    sizes: tuple[int, ...]
    digests: tuple[str, ...]

    @classmethod
    @contextmanager
    def opened(
        cls, archive: Path, scratch: Path, uri: str, dockerfile: Dockerfile, target: str | None = None
    ) -> Iterator[Self]:
        """The image in an archive as long as the block lasts. Raises ImageError and OSError."""
        with opened(archive, scratch) as read:
            yield cls(
                uri,
                dockerfile,
                read.config,
                merged(read.layers),
                origins(dockerfile, target, read.config.steps, len(read.layers)),
                tuple(layer.size for layer in read.layers),
                read.digests,
            )

    def line(self, entry: Entry) -> int:
        """The line that brought a file."""
        return self.origins.line(entry.layer)

    def is_base(self, entry: Entry) -> bool:
        """Whether a file comes with the base image."""
        return self.origins.is_base(entry.layer)

    @property
    def own(self) -> Iterator[Entry]:
        """What a container sees that the base did not bring."""
        return (entry for entry in self.files.entries.values() if not self.is_base(entry))

    @cached_property
    def user(self) -> User:
        """Who its processes run as."""
        name, _, group = self.config.user.partition(":")
        if name in _ROOT or (name.isdecimal() and int(name) == 0):
            return User("root", 0, frozenset({0}))
        rows = [line.split(":") for line in self.files.text("etc/passwd").splitlines()]
        row = next((each for each in rows if len(each) > 3 and name in (each[0], each[2])), None)
        number = int(name) if name.isdecimal() else _number(row[2] if row else "")
        known = row[0] if row else name
        groups = {
            int(each[2])
            for each in (line.split(":") for line in self.files.text("etc/group").splitlines())
            if len(each) > 3 and each[2].isdecimal() and (known in each[3].split(",") or each[0] == group)
        }
        groups |= {
            gid for gid in (_number(group), _number(row[3]) if row and not group else None) if gid is not None
        }
        return User(known, number, frozenset(groups))


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
