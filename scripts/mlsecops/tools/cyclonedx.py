"""cyclonedx-bom: the CycloneDX SBOM of all packages the project installs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson

from mlsecops.job import Job, Parsed, ToolError
from mlsecops.resolution import Resolution, Resolver

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
    weight: float = 0.5
    timeout: float = 300.0

    def run(self, job: Job) -> Parsed:
        """Write the SBOM; every package due must be one of its components."""
        resolution = self.resolver.resolve(job)
        due = sorted({package.unit for package in resolution.packages})
        pins = job.work / "pins.txt"
        pins.write_text("\n".join([*due, _CANARY]) + "\n", encoding="utf-8")
        output = job.work / SBOM
        bom = job.execute_json(
            # Its validation loads a large schema and takes ten times as long as the work itself.
            ["cyclonedx-py", "requirements", str(pins), "--output-format=JSON", f"--output-file={output}"]
            + ["--output-reproducible", "--no-validate"],
            exit_codes=(0,),
            output=output,
        )
        parsed = parse(bom, resolution, job.targets)
        if parsed.canary:
            job.keep(SBOM, orjson.dumps(without_canary(bom), option=orjson.OPT_INDENT_2))
        return parsed


def parse(bom: Any, resolution: Resolution, manifests: Collection[str]) -> Parsed:
    """The SBOM's components -> the packages that it lists; what could not be resolved is missing in it.

    Manifests that name no package are what was looked at themselves. Raises ToolError when it is no SBOM.
    """
    if bom.get("bomFormat") != "CycloneDX" or bom.get("specVersion") is None:
        raise ToolError("its output cannot be read: it is no CycloneDX document")
    units = {f"{each['name']}=={each['version']}" for each in bom.get("components", []) if "version" in each}
    due = frozenset(package.unit for package in resolution.packages)
    notes = [f"{SBOM} lists {len(units - {_CANARY})} packages"]
    if resolution.unaudited:
        names = ", ".join(sorted({each.what for _, each in resolution.unaudited}))
        notes.append(f"{SBOM} does not list what comes from no index: {names}")
    return Parsed(
        looked_at=frozenset(units - {_CANARY} if due else manifests),
        due=frozenset(due or manifests),
        rules=[],
        results=[],
        canary=frozenset({_CANARY} & units),
        problems=list(resolution.problems),
        notes=notes,
    )


def without_canary(bom: Any) -> Any:
    """The SBOM without the canary's component and its place in the graph."""
    name = _CANARY.partition("==")[0]
    gone = {each["bom-ref"] for each in bom["components"] if each["name"] == name}
    kept = [each for each in bom["components"] if each["name"] != name]
    graph = [each for each in bom.get("dependencies", []) if each["ref"] not in gone]
    return {**bom, "components": kept, "dependencies": graph}
