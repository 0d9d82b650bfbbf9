"""Lists, page by page, with the links to the others that GitHub gives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from support.github_api.description import Json
from support.github_api.shapes import REPOSITORY_ID
from support.github_api.state import State
from support.github_api.wire import Answer, Call


class Pages:
    """The pages of one repository's lists at one address."""

    def __init__(self, state: State, url: str) -> None:
        self._state = state
        self._url = url

    def page(self, call: Call, shapes: Iterable[Json], key: str | None = None) -> Answer:
        """One page of a list, with the links to the others that GitHub gives."""
        everything = list(shapes)
        size = min(int(call.query.get("per_page", "30")), 100)
        page, last = int(call.query.get("page", "1")), max(1, -(-len(everything) // size))
        shown = everything[(page - 1) * size : page * size]
        links = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        wanted = {"next", "last"} if page < last else set()
        wanted |= {"prev", "first"} if page > 1 else set()
        headers = {}
        if wanted:
            address = self._elsewhere(call)
            headers["Link"] = ", ".join(
                f'<{address}?{urlencode(call.query | {"page": number})}>; rel="{name}"'
                for name, number in links.items()
                if name in wanted
            )
        body: Any = {"total_count": len(everything), key: shown} if key else shown
        return Answer(body=body, headers=headers)

    def _elsewhere(self, call: Call) -> str:
        """The address of a list as GitHub links to it: by the repository's number."""
        prefix = f"/repos/{self._state.repository}"
        return f"{self._url}/repositories/{REPOSITORY_ID}{call.path.removeprefix(prefix)}"
