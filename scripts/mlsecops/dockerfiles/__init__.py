"""Dockerfiles: how BuildKit reads them, and what in them is known to be unsafe. Pure; knows no tool."""

from mlsecops.dockerfiles.instruction import Heredoc, Instruction
from mlsecops.dockerfiles.syntax import Dockerfile, DockerfileError, Stage, parse

__all__ = ["Dockerfile", "DockerfileError", "Heredoc", "Instruction", "Stage", "parse"]
