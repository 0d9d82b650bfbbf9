"""What the double does with issues, and with comments on them and on pull requests."""

from __future__ import annotations

from support.github_api.description import Json
from support.github_api.operations import Handler
from support.github_api.paging import Pages
from support.github_api.shapes import Shapes
from support.github_api.state import BOT, Comment, Issue, Pull, State
from support.github_api.wire import Answer, Call, missing, refusal

MOST_CHARACTERS = 65_536


class IssueOperations:
    """The operations on the issues of one state."""

    def __init__(self, state: State, shapes: Shapes, pages: Pages) -> None:
        self._state = state
        self._shapes = shapes
        self._pages = pages
        self.handlers: dict[str, Handler] = {
            "issues/list-for-repo": self._issues,
            "issues/create": self._create_issue,
            "issues/get": self._issue,
            "issues/update": self._update_issue,
            "issues/list-comments": self._comments,
            "issues/create-comment": self._create_comment,
            "issues/get-comment": self._comment,
            "issues/update-comment": self._update_comment,
            "issues/delete-comment": self._delete_comment,
        }

    def _issues(self, call: Call, parts: dict[str, str]) -> Answer:
        state, creator = call.query.get("state", "open"), call.query.get("creator")
        labels = {name for name in call.query.get("labels", "").split(",") if name}
        everything: list[Issue | Pull] = [*self._state.issues.values(), *self._state.pulls.values()]
        found = [
            issue
            for issue in sorted(everything, key=lambda issue: -issue.number)
            if state in {"all", issue.state}
            and creator in {None, issue.login}
            and labels <= (set(issue.labels) if isinstance(issue, Issue) else set())
        ]
        return self._pages.page(call, map(self._shapes.issue, found))

    def _issue(self, call: Call, parts: dict[str, str]) -> Answer:
        issue = self._numbered(parts)
        return Answer(body=self._shapes.issue(issue)) if issue else missing()

    def _create_issue(self, call: Call, parts: dict[str, str]) -> Answer:
        body = call.body
        refused = _refused_title(body) or _refused_body(body.get("body"), "Issue", "body")
        if refused:
            return refused
        issue = self._state.add_issue(
            body["title"], body.get("body"), login=self._login(call), labels=list(body.get("labels", []))
        )
        return Answer(201, self._shapes.issue(issue))

    def _update_issue(self, call: Call, parts: dict[str, str]) -> Answer:
        issue, body = self._numbered(parts), call.body
        if issue is None:
            return missing()
        refused = _refused_body(body.get("body"), "Issue", "body")
        if refused:
            return refused
        for name in ("title", "body", "state", "state_reason", "labels"):
            if name in body:
                setattr(issue, name, body[name])
        return Answer(body=self._shapes.issue(issue))

    def _comments(self, call: Call, parts: dict[str, str]) -> Answer:
        issue = self._numbered(parts)
        if issue is None:
            return missing()
        return self._pages.page(call, map(self._shapes.comment, self._state.on(issue.number)))

    def _create_comment(self, call: Call, parts: dict[str, str]) -> Answer:
        issue = self._numbered(parts)
        if issue is None:
            return missing()
        text = call.body["body"]
        refused = _refused_comment(text) or _refused_body(text, "IssueComment", "data")
        if refused:
            return refused
        comment = self._state.add_comment(issue.number, text, self._login(call))
        return Answer(201, self._shapes.comment(comment))

    def _comment(self, call: Call, parts: dict[str, str]) -> Answer:
        comment = self._commented(parts)
        return Answer(body=self._shapes.comment(comment)) if comment else missing()

    def _update_comment(self, call: Call, parts: dict[str, str]) -> Answer:
        comment = self._commented(parts)
        if comment is None:
            return missing()
        text = call.body["body"]
        refused = _refused_comment(text) or _refused_body(text, "IssueComment", "body")
        if refused:
            return refused
        comment.body = text
        return Answer(body=self._shapes.comment(comment))

    def _delete_comment(self, call: Call, parts: dict[str, str]) -> Answer:
        comment = self._commented(parts)
        if comment is None:
            return missing()
        del self._state.comments[comment.id]
        return Answer(204)

    def _numbered(self, parts: dict[str, str]) -> Issue | Pull | None:
        number = int(parts["issue_number"])
        return self._state.issues.get(number) or self._state.pulls.get(number)

    def _commented(self, parts: dict[str, str]) -> Comment | None:
        return self._state.comments.get(int(parts["comment_id"]))

    def _login(self, call: Call) -> str:
        return self._state.logins.get(call.token or "", BOT)


def _refused_title(body: Json) -> Answer | None:
    if isinstance(body.get("title"), str) and body["title"].strip():
        return None
    error = {"resource": "Issue", "code": "missing_field", "field": "title"}
    return refusal(422, "Validation Failed", errors=[error])


def _refused_comment(text: str) -> Answer | None:
    if text.strip():
        return None
    error = {
        "resource": "IssueComment",
        "code": "unprocessable",
        "field": "data",
        "message": "Body cannot be blank",
    }
    return refusal(422, "Validation Failed", errors=[error])


def _refused_body(text: str | None, resource: str, field: str) -> Answer | None:
    """What GitHub says of a text that is too long: other words when it is made than when it is changed."""
    if text is None or len(text) <= MOST_CHARACTERS:
        return None
    made = field == "data"
    said = f"{'Body' if made else 'body'} is too long (maximum is {MOST_CHARACTERS} characters)"
    code = "unprocessable" if made else "custom"
    error = {"resource": resource, "code": code, "field": field, "message": said}
    return refusal(422, "Validation Failed", errors=[error])
