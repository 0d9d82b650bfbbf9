"""cyclonedx-bom: the CycloneDX SBOM of all packages the project installs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson

from mlsecops.job import Job, Parsed
from mlsecops.resolution import Resolver

SBOM = "sbom.cdx.json"
# A package that no index has: it must come back in the SBOM, and is taken out again.
_CANARY = "mlsecops-canary==0.0.0"


@dataclass(frozen=True)
class CycloneDx:
    """Runs cyclonedx-py over the pinned packages and keeps the SBOM with the reports."""

    resolver: Resolver
    name: str = "cyclonedx-bom"
    environment: str | None = "cyclonedx-bom"
    information_uri: str = "https://github.com/CycloneDX/cyclonedx-python"
    canary_rules: frozenset[str] = frozenset({_CANARY})
    weight: float = 3.0
    timeout: float = 300.0

    def run(self, job: Job) -> Parsed:
        """Write the SBOM; every package due must be one of its components."""
        resolution = self.resolver.resolve(job)
        due = frozenset(package.unit for package in resolution.packages)
        pins = job.work / "pins.txt"
        pins.write_text("\n".join([*sorted(due), _CANARY]) + "\n", encoding="utf-8")
        output = job.work / SBOM
        bom = job.execute_json(
            ["cyclonedx-py", "requirements", str(pins), "--output-format=JSON", f"--output-file={output}"]
            + ["--output-reproducible"],
            exit_codes=(0,),
            output=output,
        )
        parsed = parse(bom, due, job.targets)
        if parsed.canary:
            job.keep(SBOM, orjson.dumps(without_canary(bom), option=orjson.OPT_INDENT_2))
        return parsed


def parse(bom: Any, due: Collection[str], manifests: Collection[str]) -> Parsed:
    """The SBOM's components -> the packages that it lists.

    Manifests that name no package are what was looked at themselves.
    """
    units = {f"{each['name']}=={each['version']}" for each in bom["components"] if "version" in each}
    return Parsed(
        looked_at=frozenset(units - {_CANARY} if due else manifests),
        due=frozenset(due or manifests),
        rules=[],
        results=[],
        canary=frozenset({_CANARY} & units),
        notes=[f"{SBOM} lists {len(units - {_CANARY})} packages"],
    )


def without_canary(bom: Any) -> Any:
    """The SBOM without the canary's component and its place in the graph."""
    name = _CANARY.partition("==")[0]
    gone = {each["bom-ref"] for each in bom["components"] if each["name"] == name}
    kept = [each for each in bom["components"] if each["name"] != name]
    graph = [each for each in bom.get("dependencies", []) if each["ref"] not in gone]
    return {**bom, "components": kept, "dependencies": graph}
