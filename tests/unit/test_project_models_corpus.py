"""Every malicious file of the corpus is one that the model stage gets to see, whatever it is called."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus.collection import malicious
from mlsecops.project import discover


@pytest.mark.parametrize("seed", [0, 20261121])
def test_discovery_finds_every_file_of_the_corpus(tmp_path: Path, seed: int) -> None:
    techniques = {}
    for number, sample in enumerate(malicious(seed)):
        sample.write(tmp_path / f"d{number}")
        techniques[f"d{number}/{sample.name}"] = f"{sample.family}: {sample.technique}"
    project = discover(tmp_path)
    for model in (*project.models, *project.model_configs):
        for uri in (model.uri, *model.parts):
            techniques.pop(uri, None)
    assert techniques == {}
