"""The part of Python's own library that data is made of: everything else of it has no place in a model.

Modules as in https://docs.python.org/3/library/, with the C modules behind them and the names of Python 2.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

_Kind = Literal["call", "class", "name"]

_CALLED = """
builtins: object list dict tuple set frozenset bytes bytearray str int float bool complex slice range iter
    reversed enumerate zip
__builtin__: object list dict tuple set frozenset bytearray str int float bool complex slice range xrange
    unicode long iter reversed enumerate zip
collections: OrderedDict defaultdict deque Counter ChainMap UserDict UserList UserString
    _tuplegetter
_collections: OrderedDict defaultdict deque _tuplegetter
datetime: datetime date time timedelta timezone tzinfo
decimal: Decimal Context
_decimal: Decimal Context
_pydecimal: Decimal
fractions: Fraction
uuid: UUID SafeUUID
collections.abc: _CallableGenericAlias
_collections_abc: _CallableGenericAlias
pathlib: PurePath PurePosixPath PureWindowsPath Path PosixPath WindowsPath
pathlib._local: PurePath PurePosixPath PureWindowsPath Path PosixPath WindowsPath
array: array _array_reconstructor
random: Random
_random: Random
time: struct_time
types: SimpleNamespace GenericAlias MappingProxyType
ipaddress: IPv4Address IPv6Address IPv4Network IPv6Network IPv4Interface IPv6Interface
re: RegexFlag
operator: or_
_operator: or_
calendar: Month Day
http: HTTPStatus HTTPMethod
inspect: _ParameterKind Signature Parameter
itertools: count repeat cycle chain islice product permutations combinations zip_longest compress
dateutil.tz.tz: tzutc tzoffset tzlocal
dateutil.tz._tzfile: _unpickle
dateutil._common: weekday
dateutil.relativedelta: weekday
pytz: _p _UTC FixedOffset
zoneinfo: ZoneInfo ZoneInfo._unpickle
__main__: ZoneInfo._unpickle
backports.zoneinfo: ZoneInfo ZoneInfo._unpickle
"""
_MADE = """
dataclasses: Field MISSING _MISSING_TYPE _DataclassParams _KW_ONLY_TYPE _HAS_DEFAULT_FACTORY_CLASS
_io: BytesIO StringIO
io: BytesIO StringIO
argparse: Namespace
string: Template Formatter
statistics: NormalDist
struct: Struct
_struct: Struct
enum: Enum IntEnum Flag IntFlag EnumMeta EnumType auto
numbers: Number Complex Real Rational Integral
abc: ABC ABCMeta
inspect: _empty
configparser: ConfigParser RawConfigParser ConverterMapping SectionProxy BasicInterpolation
decimal: Overflow DivisionByZero InvalidOperation Clamped Rounded Inexact Subnormal Underflow FloatOperation
json.decoder: JSONDecoder
json.encoder: JSONEncoder
itertools: groupby
dateutil.relativedelta: relativedelta
dateutil.rrule: rrule rruleset
dateutil.tz.tz: tzfile
dateutil.tz._tzfile: tzfile
dateutil.parser._parser: parser parserinfo
pytz.tzinfo: DstTzInfo StaticTzInfo BaseTzInfo
pytz: UTC utc
builtins: type NoneType Ellipsis NotImplemented
collections.abc: Mapping MutableMapping Sequence MutableSequence Set MutableSet Iterable Iterator Callable
    Hashable Sized Container Collection Generator
typing: Any Union Optional List Dict Tuple Set FrozenSet Callable Iterable Iterator Sequence Mapping Type
    Literal TypeVar Generic NamedTuple Hashable Sized Text Pattern ClassVar Final Annotated
types: NoneType EllipsisType
"""
_NAMED = """
builtins: len min max sum abs any all round sorted repr hash isinstance issubclass callable ord chr hex bin
    oct divmod pow format __main__
re: sub split findall match search fullmatch compile escape
copy: copy deepcopy
json: loads dumps
functools: cmp_to_key
time: time perf_counter
unicodedata: normalize category
statistics: mean median mode stdev variance pstdev pvariance fmean harmonic_mean geometric_mean
html: escape unescape
string: capwords
"""
# Numbers in, numbers out.
_NUMBERS = """
math: acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist erf erfc exp exp2
    expm1 fabs factorial floor fmod frexp fsum gamma gcd hypot isclose isfinite isinf isnan isqrt lcm ldexp
    lgamma log log10 log1p log2 modf nextafter perm pow prod radians remainder sin sinh sqrt sumprod tan
    tanh trunc ulp
operator: abs add and_ concat contains eq floordiv ge gt inv invert le lt lshift matmul mod mul ne neg not_
    or_ pos pow rshift sub truediv xor truth is_ is_not countOf indexOf
"""
# Called in one shape by the pickles of Python itself, see `shapes.py`; as a bare name they are tools.
HELPERS = frozenset(
    {
        "builtins.getattr",
        "builtins.type",
        "functools.partial",
        "_functools.partial",
        "functools.reduce",
        "_functools.reduce",
        "operator.getitem",
        "operator.attrgetter",
        "operator.itemgetter",
        "operator.methodcaller",
        "_operator.getitem",
        "_operator.attrgetter",
        "_operator.itemgetter",
        "_operator.methodcaller",
        "copyreg._reconstructor",
        "copyreg.__newobj__",
        "copyreg.__newobj_ex__",
        "_codecs.encode",
        "re._compile",
        "logging.getLogger",
        "types.MethodType",
        "dill._dill",
        "numba.core.serialize.custom_rebuild",
        "dill._dill._load_type",
        "dill._dill._eval_repr",
        "cloudpickle.cloudpickle._builtin_type",
    }
)

METACLASSES = re.compile(r"builtins\.type|(?:abc|enum|typing)\.\w*(?:Meta|EnumType)")
_OTHERS = """
    _function_setstate _fill_function _class_setstate _rehydrate_skeleton_class _cell_set _setattr
    _make_typevar _make_dict_keys _make_dict_values _make_dict_items _gen_ellipsis _gen_not_implemented
    _create_array _create_ftype _create_stringi _create_stringo _create_lock _create_rlock subimport
    _import_module _builtin_type _load_type _get_attr _get_dataclass_field_type_sentinel builtins.classmethod
    builtins.staticmethod builtins.property builtins.setattr
"""
# What cloudpickle and dill call to make functions and classes whose code comes with the file: `brought.py`.
MAKERS: Mapping[str, frozenset[str]] = {
    "code": frozenset({"types.CodeType", "_create_code"}),
    "function": frozenset(
        {"types.FunctionType", "types.LambdaType", "_make_function", "_make_skel_func", "_create_function"}
    ),
    "class": frozenset({"_make_skeleton_class", "_make_skeleton_enum", "_create_type", "_create_namedtuple"}),
    "cell": frozenset({"_make_cell", "_make_empty_cell", "_create_cell"}),
    "other": frozenset(_OTHERS.split()),
}
_MAKERS = frozenset[str]().union(*MAKERS.values())
_BY_VALUE = re.compile(r"(?:(?:\w+\.)*cloudpickle\.cloudpickle(?:_fast)?|dill\._dill)\.\w+")


def brought_by(name: str) -> str | None:
    """The helper of cloudpickle or dill that a name is, or what they call it; None for others."""
    if name in _MAKERS:
        return name
    short = name.rpartition(".")[2]
    return short if short in _MAKERS and _BY_VALUE.fullmatch(name) else None


def is_helper(name: str) -> bool:
    """Whether a name is a tool that is harmless in some shapes of calls only."""
    return name in HELPERS or brought_by(name) is not None


def _names(text: str) -> Iterator[str]:
    module = ""
    for word in text.split():
        if word.endswith(":"):
            module = word[:-1]
        else:
            yield f"{module}.{word}"


def _exceptions() -> Iterable[str]:
    return (
        f"{module}.{name}"
        for name, found in vars(builtins).items()
        if isinstance(found, type) and issubclass(found, BaseException)
        for module in ("builtins", "exceptions")
    )


PYTHON: Mapping[str, _Kind] = {
    **dict.fromkeys(_names(_NUMBERS), "name"),
    **{f"_{name}": "name" for name in _names(_NUMBERS)},
    **dict.fromkeys(_names(_NAMED), "name"),
    **dict.fromkeys(_names(_MADE), "class"),
    **dict.fromkeys(_names(_CALLED), "call"),
    **dict.fromkeys(_exceptions(), "call"),
}
