"""The SCA stage: known vulnerabilities in what the project installs, and its SBOM."""

from __future__ import annotations

from mlsecops.job import Options, Scan, Skip
from mlsecops.policy import Policy
from mlsecops.project import Project
from mlsecops.resolution import Resolver
from mlsecops.tools.cyclonedx import CycloneDx
from mlsecops.tools.pip_audit import PipAudit


def plan(project: Project, policy: Policy, options: Options) -> list[Scan | Skip]:
    """pip-audit and cyclonedx-bom over every manifest; both share one resolution of the looser ones."""
    manifests = tuple(project.manifests_to_audit())
    if not manifests:
        reason = (
            "no manifest (looked for requirements, pyproject.toml, lock files, conda environments, setup.*)"
        )
        return [Skip("pip-audit", reason), Skip("cyclonedx-bom", reason)]
    resolver = Resolver(manifests)
    targets = tuple(manifest.uri for manifest in manifests)
    named = policy.sca.advisories
    snapshot = options.advisories or (project.root / named if named else None)
    return [
        Scan(PipAudit(resolver, snapshot=snapshot, osv_url=policy.sca.osv_url), targets),
        Scan(CycloneDx(resolver), targets),
    ]
