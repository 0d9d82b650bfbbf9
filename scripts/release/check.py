"""All checks of `scripts/release-check`, in the order in which their complaints are read best."""

from __future__ import annotations

import click

from release import changelog
from release.commands import command_complaints
from release.git import tag_commits
from release.links import link_complaints
from release.references import reference_complaints
from release.snippets import snippet_complaints, snippets
from release.tree import Tree
from release.versions import project_version, tagged_version, version_complaints


def check(tree: Tree, command: click.Command, tag: str = "") -> list[str]:
    """Everything that is wrong for a release, one sentence each; without a tag, for the next one.

    `command` is our command line. Raises VersionError, TreeError, GitError, and OSError where one of our
    own files is missing.
    """
    tagged = tagged_version(tag) if tag else None
    release = project_version(tree)
    tags = {name: commit for name, commit in tag_commits(tree.root).items() if name.count(".") == 2}
    found = [
        *version_complaints(tree, release, tagged),
        *changelog.changelog_complaints(tree.text(changelog.FILE), str(release), released=bool(tag)),
        *reference_complaints(tree, release, tags),
        *snippet_complaints(tree, snippets(tree)),
        *link_complaints(tree),
        *command_complaints(tree, command),
    ]
    # A call in a snippet is a reference as well.
    return list(dict.fromkeys(found))
