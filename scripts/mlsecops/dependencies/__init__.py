"""What a manifest asks for: text of any kind of manifest -> named packages with their lines; nothing runs."""

from mlsecops.dependencies.model import Dependency, Listing, Reference, Unaudited
from mlsecops.dependencies.read import read_manifest

__all__ = ["Dependency", "Listing", "Reference", "Unaudited", "read_manifest"]
