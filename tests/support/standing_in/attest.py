"""Stands in for actions/attest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from support.standing_in import step

# Of https://github.com/actions/attest, "Attestation Limits".
_MOST_SUBJECTS = 1024


def act(inputs: Mapping[str, str]) -> dict[str, object]:
    """Print name and digest of every file that would be signed."""
    for name in ("subject-digest", "subject-name", "subject-checksums", "sbom-path", "predicate-path"):
        if inputs[name]:
            raise step.RefusedError(f"nothing stands in for the input {name}")
    folder, _, pattern = inputs["subject-path"].rpartition("/")
    files = sorted(path for path in Path(folder).glob(pattern) if path.is_file())
    if not files or len(files) > _MOST_SUBJECTS:
        raise step.RefusedError(f"could not find subjects at path {inputs['subject-path']}, or too many")
    for file in files:
        print(f"subject {file.name} sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}")
    return {"attestation-id": 1, "attestation-url": "https://github.com/attestations/1"}


if __name__ == "__main__":
    step.run(act)
