"""The DAST stage: the service, started and attacked."""

from __future__ import annotations

from mlsecops.dast.document.describe import document_files
from mlsecops.dast.service.guess import startable
from mlsecops.job import Options, Scan, Skip, Tool
from mlsecops.policy import Policy
from mlsecops.project import Project
from mlsecops.tools.schemathesis import Schemathesis
from mlsecops.tools.service_attacks import ServiceAttacks
from mlsecops.tools.service_probe import ServiceProbe
from mlsecops.tools.wapiti import Wapiti
from mlsecops.tools.zap import Zap

_NO_SERVICE = "no web service (looked for Flask, FastAPI, Dash, Connexion, and for dast.start in the policy)"


def plan(project: Project, policy: Policy, options: Options) -> list[Scan | Skip]:
    """Every tool attacks the same service; its files are the document and those that make applications."""
    tools: list[Tool] = [ServiceProbe(), ServiceAttacks(), Schemathesis(), Wapiti()]
    if policy.dast.zap:
        tools.append(Zap(policy.dast.zap))
    if options.no_exec:
        return [
            Skip(tool.name, "the service is not started (--no-exec)", tool.information_uri) for tool in tools
        ]
    apps = tuple(sorted({app.uri for app in startable(project)}))
    image = project.dockerfiles if policy.dast.target == "image" else ()
    if not (policy.dast.start or apps or image):
        return [Skip(tool.name, _NO_SERVICE, tool.information_uri) for tool in tools]
    documents = tuple(uri for uri in document_files(project, policy.dast.document) if uri in project.openapi)
    targets = (*documents, *apps) or project.python[:1] or image
    return [Scan(tool, targets) for tool in tools]
