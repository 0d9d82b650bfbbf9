"""The files of a release: archives that come out the same each time, their checksums, and the notes."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from release import changelog, git
from release.references import OWNER, UNKNOWN_COMMIT, Version

SUMS = "SHA256SUMS"


class AssetError(Exception):
    """A release cannot be made of this; the text says why."""


def build(root: Path, release: Version, commit: str, repository: str) -> dict[str, bytes]:
    """Every asset by its name: the source, the templates filled in, and the checksums of both.

    `repository` is `owner/name`. Raises AssetError, GitError.
    """
    source, templates = f"mlsecops-{release}", f"mlsecops-templates-{release}"
    names = {
        f"{source}.tar.gz": git.archive(root, commit, f"{source}/"),
        f"{templates}.tar.gz": filled_archive(
            git.archive(root, commit, f"{templates}/", "templates"), commit, repository
        ),
    }
    archives = {name: _compressed(content) for name, content in names.items()}
    return {**archives, SUMS: sums(archives).encode()}


def sums(files: Mapping[str, bytes]) -> str:
    """Checksums as `sha256sum --check` reads them."""
    return "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())


def filled(text: str, commit: str, repository: str) -> str:
    """A template of ours with this release's commit and repository in their places."""
    return text.replace(UNKNOWN_COMMIT, commit).replace(f"{OWNER}/mlsecops", repository)


def filled_archive(archive: bytes, commit: str, repository: str) -> bytes:
    """A tar of templates with every file filled in. Raises AssetError where something is left to fill in."""
    target = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=target, mode="w") as new:
        for member in old:
            content = old.extractfile(member)
            if content is None:
                new.addfile(member)
                continue
            text = filled(content.read().decode(), commit, repository)
            if UNKNOWN_COMMIT in text or f"{OWNER}/" in text:
                raise AssetError(f"{member.name} has more of {OWNER}/ than {OWNER}/mlsecops")
            member.size = len(text.encode())
            new.addfile(member, io.BytesIO(text.encode()))
    return target.getvalue()


def notes(text: str, release: Version, commit: str, repository: str) -> str:
    """What the release page says: its section of the changelog, how to use it, how to check its files.

    `text` is the changelog's. Raises AssetError when it has no such section.
    """
    section = changelog.section(text, str(release))
    if section is None or not section.text:
        raise AssetError(f"{changelog.FILE} says nothing of {release}")
    return f"""\
{section.text}

### Use it

```yaml
uses: {repository}/.github/workflows/secure-ml.yml@{commit} # {release.tag}
```

The templates below are filled in with this commit. To check that a file comes from the release workflow:

```
gh attestation verify FILE --repo {repository} --signer-workflow {repository}/.github/workflows/release.yml
sha256sum --check {SUMS}
```
"""


def _compressed(content: bytes) -> bytes:
    target = io.BytesIO()
    # Neither a name nor a time: the same content is the same file.
    with gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0) as file:
        file.write(content)
    return target.getvalue()
