"""The checks of our own attacks: pure functions from operations to requests, and from answers to findings."""

from __future__ import annotations

from mlsecops.dast.attacks import (
    access,
    answers,
    batches,
    deserialization,
    exposure,
    features,
    hardening,
    injection,
    leaks,
    load,
)
from mlsecops.dast.attacks.messages import Check, Passive, SiteCheck

# On every operation, one after the other; what may end the service comes last.
CHECKS: tuple[Check, ...] = (
    access.credentials,
    access.objects,
    hardening.methods,
    hardening.origins,
    hardening.hosts,
    injection.evidence,
    injection.databases,
    injection.outside,
    injection.blind,
    deserialization.loaded,
    features.abused,
    batches.shapes,
)
# Once per service, before the others.
SITE_CHECKS: tuple[SiteCheck, ...] = (exposure.exposed,)
# What is measured: once per service, then on every operation; what uses up a limit comes last.
SITE_MEASUREMENTS: tuple[SiteCheck, ...] = (load.memory,)
MEASUREMENTS: tuple[Check, ...] = (load.latency, load.body, load.rate)
# On every answer to any request.
PASSIVE: tuple[Passive, ...] = (leaks.leaks, hardening.headers, answers.answers)
