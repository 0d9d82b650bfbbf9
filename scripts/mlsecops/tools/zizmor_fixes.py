"""What to do about a finding of zizmor, by audit (https://docs.zizmor.sh/audits/)."""

from __future__ import annotations

from collections.abc import Mapping

_OTHER_FIX = "Follow the remediation in the documentation of the audit."
_FIXES: Mapping[str, str] = {
    "adhoc-packages": "Install from a lock file with hashes that is in the repository.",
    "anonymous-definition": "Give the workflow or the action a `name:`.",
    "archived-uses": "Move to an action that is maintained, or do its work in a `run:` step.",
    "artipacked": "Add `persist-credentials: false` to the `with:` of the checkout.",
    "bot-conditions": "Compare `github.event.pull_request.user.login` instead of `github.actor`.",
    "cache-poisoning": "Do not restore a cache in a workflow that releases.",
    "concurrency-limits": "Add a `concurrency:` group, so that runs of one branch do not pile up.",
    "dangerous-triggers": "Use `pull_request`, and write in a `workflow_run` workflow without its code.",
    "dependabot-cooldown": "Add `cooldown: {default-days: 7}` to each entry of `updates:`.",
    "dependabot-execution": "Set `insecure-external-code-execution: deny`.",
    "excessive-permissions": "Write `permissions: {}` for the workflow, and what it needs for each job.",
    "github-env": "Pass the value on as an output with a fixed name, not by `GITHUB_ENV` or `GITHUB_PATH`.",
    "hardcoded-container-credentials": "Revoke the password, then read a new one from a secret.",
    "impostor-commit": "Pin a commit that is on a branch or tag of the action's own repository.",
    "insecure-commands": "Take out `ACTIONS_ALLOW_UNSECURE_COMMANDS`, and write to `GITHUB_ENV` instead.",
    "insecure-url-scheme": "Use the https address.",
    "known-vulnerable-actions": "Move to a version of the action without the known flaw.",
    "obfuscation": "Write the reference or the expression out plainly.",
    "overprovisioned-secrets": "Name each secret that the job needs instead of `toJSON(secrets)`.",
    "ref-confusion": "Pin the full commit: the name is both a branch and a tag.",
    "ref-version-mismatch": "Make the comment name the version of the commit beside it.",
    "secrets-inherit": "Name the secrets that the called workflow needs.",
    "secrets-outside-env": "Keep the secret in an `environment:` with protection rules.",
    "self-hosted-runner": "Use runners that are thrown away after one job.",
    "stale-action-refs": "Pin the commit of a released version.",
    "template-injection": 'Put the value into `env:` of the step and write `"$NAME"` in the script.',
    "typosquat-uses": "Check the spelling of the action's owner and name.",
    "unpinned-images": "Pin the image by its digest: `name@sha256:...`.",
    "unpinned-tools": "Name an exact version of the tool that the action installs.",
    "unpinned-uses": "Pin the full commit: `owner/action@<40 characters> # v1.2.3`.",
    "unredacted-secrets": "Keep each value as a secret of its own, so that logs blank it.",
    "unsound-condition": "Write the condition on one line, or with `|-` or `>-`.",
    "unsound-contains": 'Give `contains()` a list, `fromJSON(\'["a", "b"]\')`, or compare with `==`.',
    "unsound-ternary": "Write two steps with opposite conditions: the middle part may be empty.",
    "use-trusted-publishing": "Publish with `id-token: write` instead of a long-lived token.",
}


def fix_of(audit: str) -> str:
    """One sentence, with code between backticks."""
    return _FIXES.get(audit, _OTHER_FIX)
