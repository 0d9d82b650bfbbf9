"""Which permissions a job's token needs for an operation, and what GitHub says when it has none of them."""

from __future__ import annotations

from support.github_api.checks import Operation
from support.github_api.state import State
from support.github_api.wire import Answer, Call, refusal

_ISSUES, _PULLS = "issues", "pull-requests"
# https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
_NEEDED: dict[str, tuple[str, ...]] = {
    "repos/get-content": ("contents",),
    "git/get-ref": ("contents",),
    "repos/get-commit": ("contents",),
    "code-scanning/list-alerts-for-repo": ("security-events",),
    "repos/list-pull-requests-associated-with-commit": (_PULLS,),
    "pulls/list": (_PULLS,),
    "pulls/get": (_PULLS,),
    "pulls/list-files": (_PULLS,),
    "issues/list-for-repo": (_ISSUES,),
    "issues/create": (_ISSUES,),
    "issues/get": (_ISSUES, _PULLS),
    "issues/update": (_ISSUES, _PULLS),
    "issues/list-comments": (_ISSUES, _PULLS),
    "issues/create-comment": (_ISSUES, _PULLS),
    "issues/get-comment": (_ISSUES, _PULLS),
    "issues/update-comment": (_ISSUES, _PULLS),
    "issues/delete-comment": (_ISSUES, _PULLS),
}


def refused(state: State, call: Call, operation: Operation) -> Answer | None:
    """GitHub's refusal of a token that is unknown or may not do this; None where it may."""
    held = state.tokens.get(call.token or "")
    if held is None:
        return refusal(401, "Bad credentials")
    level = "read" if call.method == "GET" else "write"
    needed = _needed(state, operation)
    if not needed or any(held.get(name) in {level, "write"} for name in needed):
        return None
    answer = refusal(403, "Resource not accessible by integration")
    described = "; ".join(f"{name.replace('-', '_')}={level}" for name in needed)
    answer.headers["X-Accepted-GitHub-Permissions"] = described
    return answer


def _needed(state: State, operation: Operation) -> tuple[str, ...]:
    if operation.id.startswith("actions/"):
        return ("actions",)
    needed = _NEEDED.get(operation.id, ())
    if needed == (_ISSUES, _PULLS) and not _is_on_pull(state, operation.parts):
        return (_ISSUES,)
    return needed


def _is_on_pull(state: State, parts: dict[str, str]) -> bool:
    """Whether a comment or an issue's number belongs to a pull request, where either permission will do."""
    number = parts.get("issue_number")
    if number is None:
        comment = state.comments.get(int(parts["comment_id"]))
        return comment is None or comment.issue in state.pulls
    return int(number) in state.pulls
