"""Readers of model formats, one module for each."""

from __future__ import annotations

from mlsecops.models.walk import Reader

READERS: tuple[Reader, ...] = ()
