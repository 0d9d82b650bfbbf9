from __future__ import annotations

import pytest
from mlsecops.github.paths import of_repository


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ((), "repos/octo/service"),
        (("issues", 7, "comments"), "repos/octo/service/issues/7/comments"),
        (("a/b", "?#%2F"), "repos/octo/service/a%2Fb/%3F%23%252F"),
    ],
)
def test_every_part_of_a_path_is_encoded(parts: tuple[str | int, ...], path: str) -> None:
    assert of_repository("octo/service", *parts) == path


def test_a_repository_has_two_parts_whatever_its_name_holds() -> None:
    assert of_repository("octo/a/b?c", "pulls") == "repos/octo/a%2Fb%3Fc/pulls"
