"""TensorFlow's operators that do more than compute (https://www.tensorflow.org/api_docs/python/tf/raw_ops)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mlsecops.models.known_names import known_names
from mlsecops.models.rules import tensorflow as rules
from mlsecops.sarif.build import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What an operator does.

    `paths` are its inputs that name files or addresses, counted from 0. `given` is the severity where whoever
    runs the graph gives the path, `beside` where it is a plain relative one; None stands for no finding:
    checkpoints, vocabularies and data are read so by every honest model.
    """

    rule: Rule
    verb: str
    paths: tuple[int, ...] = ()
    given: float | None = None
    beside: float | None = None

    def message(self, name: str) -> str:
        """A sentence without a path."""
        return f"Running this graph {self.verb} (operator `{name[:80]}`)."


def _same(names: str, deed: Deed) -> dict[str, Deed]:
    return dict.fromkeys(names.split(), deed)


_FIRST, _SECOND = (0,), (1,)
_PYTHON = Deed(rule=rules.PYTHON, verb="calls a Python function of the process", given=8.8, beside=8.8)
_READ = Deed(rule=rules.READS, verb="reads a file", paths=_FIRST, given=6.5, beside=7.5)
_WRITE = Deed(rule=rules.WRITES, verb="writes a file", paths=_FIRST, given=8.1, beside=8.6)
_DATA = Deed(rule=rules.READS, verb="reads data from a file", paths=_FIRST, beside=5.3)
_STORE = Deed(rule=rules.WRITES, verb="writes data to a file", paths=_SECOND, given=6.5, beside=7.5)
_RESTORE = Deed(rule=rules.READS, verb="reads a checkpoint", paths=_FIRST)
_SAVE = Deed(rule=rules.WRITES, verb="writes a checkpoint", paths=_FIRST)
_REACH = Deed(rule=rules.NETWORK, verb="speaks to another machine", paths=_FIRST, given=8.1, beside=8.1)
_SUMMARY = Deed(rule=rules.WRITES, verb="writes logs", paths=_SECOND, beside=6.5)
_CALL = Deed(rule=rules.NATIVE, verb="calls native code by name", given=7.5, beside=7.5)
_LINES = Deed(rule=rules.READS, verb="reads files line by line", given=6.5, beside=6.5)
_RECORDS = Deed(rule=rules.READS, verb="reads files of records", given=5.3, beside=5.3)
_WHOLE = Deed(rule=rules.READS, verb="reads whole files", given=7.5, beside=7.5)
_DEBUG = Deed(rule=rules.WRITES, verb="writes out what passes through it", given=7.0)

_DEBUGGING = (
    *("DebugIdentity", "DebugIdentityV2", "DebugIdentityV3", "DebugNanCount"),
    *("DebugNumericSummary", "DebugNumericSummaryV2"),
)

DEEDS: Mapping[str, Deed] = {
    **_same("PyFunc PyFuncStateless EagerPyFunc", _PYTHON),
    **_same("ReadFile MatchingFiles MatchingFilesDataset LMDBDataset LMDBReader", _READ),
    **_same("LoadDataset ListSnapshotChunksDataset SnapshotChunkDataset SnapshotDatasetReader", _READ),
    **_same("SnapshotNestedDatasetReader RecordInput ImmutableConst", _READ),
    **_same("WriteFile DumpTensor", _WRITE),
    "SqlDataset": Deed(rule=rules.READS, verb="queries a database", paths=_SECOND, given=7.5, beside=7.5),
    **_same(
        "TextLineDataset FixedLengthRecordDataset FixedLengthRecordDatasetV2 CSVDataset CSVDatasetV2", _DATA
    ),
    **_same("TFRecordDataset TFRecordDatasetV2 SSTableDataset", _DATA),
    **_same("WholeFileReader WholeFileReaderV2", _WHOLE),
    **_same("TextLineReader TextLineReaderV2", _LINES),
    **_same("TFRecordReader TFRecordReaderV2", _RECORDS),
    **_same("FixedLengthRecordReader FixedLengthRecordReaderV2", _LINES),
    **_same("SaveDataset SaveDatasetV2 DatasetToTFRecord SnapshotDataset SnapshotDatasetV2", _STORE),
    **_same("DistributedSave RewriteSnapshot", _STORE),
    "CacheDataset": Deed(rule=rules.WRITES, verb="writes data to a file", paths=_SECOND, beside=6.5),
    "CacheDatasetV2": Deed(rule=rules.WRITES, verb="writes data to a file", paths=_SECOND, beside=6.5),
    **_same("Restore RestoreSlice RestoreV2 DTensorRestoreV2", _RESTORE),
    **_same("Save SaveSlices SaveV2", _SAVE),
    "MergeV2Checkpoints": Deed(rule=rules.WRITES, verb="merges checkpoints", paths=(0, 1)),
    "LoadAndRemapMatrix": Deed(rule=rules.READS, verb="reads a checkpoint", paths=_FIRST, beside=5.3),
    "GenerateVocabRemapping": Deed(rule=rules.READS, verb="reads a vocabulary", paths=(0, 1)),
    "InitializeTableFromTextFile": Deed(rule=rules.READS, verb="reads a vocabulary", paths=_SECOND),
    "InitializeTableFromTextFileV2": Deed(rule=rules.READS, verb="reads a vocabulary", paths=_SECOND),
    **_same("RpcCall RpcClient RpcServer RpcServerRegister RpcServerStart Rpc TryRpc", _REACH),
    **_same("DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4", _REACH),
    **_same("RegisterDataset RegisterDatasetV2 InitializeTableFromDatasetService KafkaDataset", _REACH),
    **_same("CreateSummaryFileWriter SummaryFileWriter", _SUMMARY),
    "CreateSummaryDbWriter": Deed(rule=rules.WRITES, verb="writes to a database", paths=_SECOND, beside=7.5),
    **dict.fromkeys(_DEBUGGING, _DEBUG),
    **_same("XlaCustomCall XlaCustomCallV2 FileSystemSetConfiguration RemoteCall", _CALL),
}
# Operators that name a file or an address in an attribute.
ATTRIBUTES: Mapping[str, tuple[str, Deed]] = {
    "ImmutableConst": ("memory_region_name", _READ),
    "RecordInput": ("file_pattern", _READ),
    "PrintV2": ("output_stream", Deed(rule=rules.WRITES, verb="prints into a file")),
    "DecodeProtoV2": ("descriptor_source", Deed(rule=rules.READS, verb="reads a description", beside=6.5)),
    "EncodeProto": ("descriptor_source", Deed(rule=rules.READS, verb="reads a description", beside=6.5)),
    **dict.fromkeys(_DEBUGGING, ("debug_urls", _DEBUG)),
}
HARMLESS_PLACES = frozenset(["", "local://", "stdout", "stderr", "log(info)", "log(warning)", "log(error)"])
HARMLESS_PREFIXES = ("bytes://", "memcbk://")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BUILT_IN_PREFIXES = ("_", "Experimental")


def deed_of(name: str) -> Deed | None:
    """What an operator does besides computing, if it does; experimental ones are named like later ones."""
    return DEEDS.get(name) or DEEDS.get(name.removeprefix("Experimental"))


def is_custom(name: str) -> bool:
    """Whether TensorFlow has no such operator: those with `_` in front are made by its own runtime."""
    if name in known_names().operators or name in DEEDS:
        return False
    return not (_PLAIN.fullmatch(name) and name.startswith(_BUILT_IN_PREFIXES))


def of(name: str) -> Deed | None:
    """What an operator does where its inputs are not known."""
    found = deed_of(name)
    if found is None:
        return Deed(rule=rules.CUSTOM, verb="needs native code from elsewhere") if is_custom(name) else None
    return found if found.given is not None else None
