"""Opcodes, the stack, the memo, and what happens where unpicklers stop."""

from __future__ import annotations

import os
import pickle
import struct

import pytest
from mlsecops.models.pickle import machine as machines
from mlsecops.models.pickle import memo
from mlsecops.models.pickle.objects import Items, Pairs
from mlsecops.models.pickle.values import (
    Call,
    Constant,
    Cut,
    External,
    Global,
    Import,
    Mapping,
    Result,
    Sequence,
)
from mlsecops.models.pickle.values import Unknown as UnknownValue
from support.pickle_streams import ECHO, imports, run, targets, text

SYSTEM = os.system.__module__ + ".system"


class Shell:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("echo hello",)


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_spells_the_same_call(protocol: int) -> None:
    machine, events = run(pickle.dumps([1, Shell(), {"a": Shell()}], protocol))
    assert events[0] == Import(SYSTEM, events[0].offset)
    calls = [event for event in events if isinstance(event, Call)]
    assert [(call.target, call.arguments, call.opcode) for call in calls][:1] == [
        (SYSTEM, (Constant("echo hello"),), "REDUCE")
    ]
    assert machine.end is not None
    assert machine.reason is None


@pytest.mark.parametrize(
    ("data", "opcode"),
    [
        (ECHO, "REDUCE"),
        (b"(S'echo hello'\nios\nsystem\n.", "INST"),
        (b"(cos\nsystem\nS'echo hello'\no.", "OBJ"),
        (b"cos\nsystem\nS'echo hello'\n\x85\x81.", "NEWOBJ"),
        (b"cos\nsystem\nS'echo hello'\n\x85}\x92.", "NEWOBJ_EX"),
        (b"\x80\x04" + text("os") + text("system") + b"\x93(S'echo hello'\ntR.", "REDUCE"),
        (b"\x80\x04(" + text("os") + b"p7\n0g7\n" + text("system") + b"\x93S'echo hello'\n\x85R.", "REDUCE"),
        (b"cos\nsystem\n(lS'echo hello'\naR.", "REDUCE"),
        (b"cos\nsystem\n(I1\nI2\nI3\n1(S'echo hello'\nt20R.", "REDUCE"),
    ],
)
def test_every_opcode_that_calls(data: bytes, opcode: str) -> None:
    machine, events = run(data)
    assert machine.reason is None
    call = next(event for event in events if isinstance(event, Call))
    assert (call.target, call.arguments, call.opcode) == ("os.system", (Constant("echo hello"),), opcode)


def test_keywords_of_a_call() -> None:
    _, events = run(b"cx\ny\n)(S'shell'\nI01\nd\x92.")
    assert events[1] == Call("x.y", (), 21, "NEWOBJ_EX", (("shell", Constant(True)),))


def test_the_very_same_call_is_told_once() -> None:
    assert targets(b"cx\ny\nq\x00)R" * 1 + b"h\x00)R" * 5 + b".") == ["x.y"]
    assert targets(b"cx\ny\nq\x00" + b"h\x00](Ne\x85R" * 3 + b".") == ["x.y"] * 3


@pytest.mark.parametrize(
    ("arguments", "known"),
    [(b"Vab\n", ("a", "b")), (b"(S'k'\nI1\nd", ("k",)), (b"C\x02ab", (97, 98))],
)
def test_arguments_that_only_one_unpickler_takes_apart(arguments: bytes, known: tuple[object, ...]) -> None:
    _, events = run(b"cx\ny\n" + arguments + b"R.")
    assert isinstance(events[1], Call)
    assert [each.value for each in events[1].arguments if isinstance(each, Constant)] == list(known)


def test_arguments_that_cannot_be_known() -> None:
    _, events = run(b"cx\ny\ncx\nz\n)RR.")
    assert isinstance(events[-1], Call)
    assert not events[-1].exact
    assert isinstance(events[-1].arguments[0], UnknownValue)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"(cx\ny\n(", b"lcx\ny\n(tR0"),
        (b"cx\ny\n", b"2(tR0"),
        (b"N0", b""),
        (b"(NNN1", b""),
        (b"((0", b"1"),
        (b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00", b""),
        (b"\x98", None),
        (b"N\x98", b""),
        (
            b"I01\n\x88\x89N]})\x8f(\x91F1.5\nG?\xf0\x00\x00\x00\x00\x00\x00L5L\n\x8a\x01\x05\x8b\x01\x00\x00\x00\x05",
            b"",
        ),
    ],
)
def test_what_stands_around_a_call_does_not_hide_it(before: bytes, after: bytes | None) -> None:
    called = targets(before + ECHO[:-1] + (after or b"") + b".")
    assert ("os.system" in called) is (after is not None)


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (b"", "it ends before its end mark"),
        (b"\xff.", "the byte 0xff is no instruction"),
        (b"h\xfb.", "it remembers nothing under the number 251"),
        (b"00.", "it takes more from its stack than is there"),
        (b"1.", "it takes down to a mark that is not there"),
        (b"(\x85.", "it takes more from its stack than is there"),
        (b"(.", "it takes more from its stack than is there"),
        (b"K\x01K\x02\x93.", "it imports by a name that is no text"),
        (b"X\xff\xff\x00\x00abc", "it ends in the middle of an instruction"),
        (b"X\xff\xff\xff\x7fabc", "it ends in the middle of an instruction"),
        (b"J\x01", "it ends in the middle of an instruction"),
        (b"X\x02\x00\x00\x00\xff\xfe.", "a text in it is not UTF-8"),
        (b"Ix\n.", "a number in it is none"),
        (b"Fx\n.", "a number in it is none"),
        (b"gx\n.", "a number in it is none"),
        (b"p-1\n.", "a number in it is none"),
        (b"Sabc\n.", "a text in it has no quotes"),
        (b"V\\U00ffffff\n.", "a text in it has a character that does not exist"),
        (b"I", "it ends in the middle of an instruction"),
        (b"\x82\x00.", "it names an extension that cannot be"),
        (b"\x80\x63.", "its protocol 99 is newer than any that we know"),
        (b"\x8b\xff\xff\xff\xff.", "a number in it has a negative length"),
        (b"K\x01)R.", "it calls a int, which cannot be called"),
        (b"cx\ny\nK\x01R.", "it calls something with arguments that are no tuple"),
        (b"K\x01(Nu.", "a key of it has no value"),
        (b"}(Nu.", "a key of it has no value"),
        (b"(Nd.", "a key of it has no value"),
        (b"K\x01(Ne.", "it fills a int, which takes no items"),
        (b"](N\x90.", "it fills a list, which takes no items"),
        (b"(o.", "it takes more from its stack than is there"),
        (b"c\nx\n.", "it imports a module without a name"),
        (b"c\xff\nx\n.", "a name in it is not UTF-8"),
        (b"P\xff\n.", "a persistent id in it is not ASCII"),
    ],
)
def test_what_runs_before_it_breaks_stays(ending: bytes, reason: str) -> None:
    machine, events = run(ECHO[:-1] + ending)
    assert any(isinstance(event, Call) and event.target == "os.system" for event in events)
    assert machine.reason == reason
    assert machine.end is None


def test_nothing_behind_stop_or_the_break_counts() -> None:
    assert targets(b"N." + ECHO) == []
    assert targets(b"\xff" + ECHO) == []


def test_a_name_that_is_cut_off_is_imported_all_the_same() -> None:
    assert imports(b"cevil\nnamex") == ["evil.name"]


def test_old_names_are_those_of_python_3_in_old_protocols_only() -> None:
    assert imports(b"c__builtin__\neval\n.") == ["builtins.eval"]
    assert imports(b"\x80\x04c__builtin__\neval\n.") == ["builtins.eval"]
    assert imports(b"c__builtin__\nxrange\n.") == ["builtins.range"]
    assert imports(b"ccopy_reg\n_reconstructor\n.") == ["copyreg._reconstructor"]
    assert imports(b"citertools\nimap\n.") == ["builtins.map"]
    assert imports(b"\x80\x04ccopy_reg\n_reconstructor\n.") == [
        "copyreg._reconstructor"[:0] + "copy_reg._reconstructor"
    ]
    assert imports(b"\x80\x04cos\n__builtins__.eval\n.") == [
        "os.__builtins__.eval".replace("os.__builtins__", "builtins")
    ]


def test_what_is_not_in_the_file() -> None:
    _, events = run(b"\x80\x05\x97\x98Pabc\nVid\nQ\x82\x05\x83\x05\x00\x84\x05\x00\x00\x00)R.")
    assert [(event.kind, event.value) for event in events if isinstance(event, External)] == [
        ("buffer", UnknownValue("a buffer from outside")),
        ("persistent-id", Constant("abc")),
        ("persistent-id", Constant("id")),
        ("extension", Constant(5)),
        ("extension", Constant(5)),
        ("extension", Constant(5)),
    ]
    assert events[-1] == Call(None, (), events[-1].offset, "REDUCE")


def test_an_extension_that_the_pickle_registers() -> None:
    register = b"ccopyreg\nadd_extension\n(S'os'\nS'system'\nI5\ntR0"
    assert targets(register + b"\x82\x05(S'echo'\ntR.") == ["copyreg.add_extension", "os.system"]


def test_a_name_that_cannot_be_known() -> None:
    _, events = run(b"\x80\x04" + text("os") + b"cx\ny\n)R\x93)R.")
    assert External("name", Sequence("tuple", (Constant("os"), Result("x.y")), 2), 16) in events
    assert events[-1] == Call(None, (), 18, "REDUCE")


@pytest.mark.parametrize(
    "data",
    [
        b"Nr\xf0\xff\xff\x7f.",
        b"N\x8e" + struct.pack("<Q", 1 << 62),
        b"N\x95" + struct.pack("<Q", 1 << 62) + b".",
        b"Np99999999999\n.",
        b"\x80\x04cbuiltins\nbytearray\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.",
    ],
)
def test_numbers_that_make_room_for_more_than_there_is(data: bytes) -> None:
    _, events = run(data)
    assert [event.kind for event in events if isinstance(event, External)] == ["memory"]


def test_containers_that_are_objects_are_filled_by_their_methods() -> None:
    made = b"ccollections\ndeque\n)R"
    assert targets(made + b"(NNe" + b"Na" + b"(NN\x90" + b"NNs" + b"(NNu" + b"}b.")[1:] == [
        f"collections.deque().{name}"
        for name in ("extend", "extend", "add", "__setitem__", "__setitem__", "__setstate__")
    ]
    assert targets(b"ccollections\nx\n(NNe}b.") == ["collections.x.extend", "collections.x.__setstate__"]
    assert targets(made + b"(e(u(\x90.") == ["collections.deque"]


def test_items_that_are_exchanged_afterwards() -> None:
    machine, _ = run(b"](VA\nVb\neI0\nVc\nsI-1\nVd\nsI7\nNs.")
    assert isinstance(machine.value, Items)
    assert machine.value.items == ["c", "d"]


def test_bytes_that_are_filled_are_not_known_any_more() -> None:
    machine, _ = run(b"\x80\x05\x96\x01\x00\x00\x00\x00\x00\x00\x00aK\x41a.")
    assert isinstance(machine.value, UnknownValue)


def test_long_constants_are_not_held() -> None:
    size = 1 << 20
    data = b"cx\ny\n(" + b"B" + struct.pack("<I", size) + bytes(size) + text("é" * 5000) + b"V" + b"a" * 5000
    _, events = run(data + b"\nS'" + b"b" * 5000 + b"'\ntR.")
    assert isinstance(events[1], Call)
    first, second, third, fourth = events[1].arguments
    assert first == Cut(bytes(4096), size, 11)
    assert isinstance(second, Cut)
    assert (second.head[:2], second.length) == ("éé", 10000)
    assert isinstance(third, Cut)
    assert (third.head[:2], third.length) == ("aa", 5000)
    assert isinstance(fourth, Cut)
    assert (fourth.head[:2], fourth.length) == ("bb", 5000)


def test_numbers_of_very_many_digits_are_not_made() -> None:
    digits = b"9" * 5000
    for data in (b"I" + digits + b"\n.", b"L" + digits + b"L\n.", b"I012\n."):
        machine, _ = run(data)
        assert isinstance(machine.value, UnknownValue)
    machine, _ = run(b"\x8b" + struct.pack("<i", 5000) + bytes(5000) + b".")
    assert isinstance(machine.value, UnknownValue)


def test_long_containers_show_their_first_items() -> None:
    _, events = run(
        pickle.dumps(Shell())[:0] + b"cx\ny\n((" + b"K\x01" * 1000 + b"l(" + b"K\x01" * 1000 + b"ttR."
    )
    assert isinstance(events[1], Call)
    for value in events[1].arguments:
        assert isinstance(value, Sequence)
        assert (len(value.items), value.length, value.whole) == (64, 1000, False)


def test_deep_containers_end_somewhere() -> None:
    _, events = run(b"cx\ny\n(" + b"]" * 20 + b"a" * 19 + b"(" * 20 + b"d" * 0 + b"1" * 20 + b"tR.")
    assert isinstance(events[1], Call)
    value = events[1].arguments[0]
    for _ in range(6):
        assert isinstance(value, Sequence)
        value = value.items[0]
    assert isinstance(value, Sequence)
    assert value.items == (UnknownValue("it lies too deep to be shown"),)


def test_a_list_in_itself_is_shown() -> None:
    _, events = run(b"cx\ny\n]q\x00h\x00a}(S'k'\nh\x00u\x86R.")
    assert isinstance(events[1], Call)
    assert isinstance(events[1].arguments[1], Mapping)
    assert events[1].arguments[1].whole


def test_very_deep_nesting_does_no_harm() -> None:
    machine, _ = run(b"]" * 100_000 + b"a" * 99_999 + b".")
    assert machine.end == 200_000
    assert run(b"N" + b"\x85" * 100_000 + b".")[0].end == 100_002


def test_stack_and_marks_are_bounded() -> None:
    assert run(b"N" * 700_000)[0].reason == "it puts more than 500,000 objects on its stack"
    assert run(b"(" * 700_000)[0].reason == "it puts more than 500,000 marks on its stack"


def test_plenty_in_containers_is_held_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "_PLENTY", 10)
    machine, _ = run(pickle.dumps([[list(range(20)), "a" * 100, "b", {"k": 1}] for _ in range(20)], 4))
    assert machine.end is not None
    assert isinstance(machine.value, Items)
    last = machine.value.items[-1]
    assert isinstance(last, UnknownValue | Items)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "_NEAR", 4)
    monkeypatch.setattr(memo, "_FAR", 20)
    words = b"".join(text(f"w{number}") + b"\x94" for number in range(10))
    shared = b"cx\ny\n\x94" + b"]\x94"
    machine, _ = run(b"\x80\x04(" + words + shared + b"h\x09h\x0ah\x0bh\x02l.")
    assert machine.reason is None
    assert isinstance(machine.value, Items)
    again = machine.value.items[-4:]
    assert again[0] == "w9"
    assert again[1] == Global("x.y")
    assert again[2] == UnknownValue("it is one of too many objects to be held")
    assert again[3] == "w2"
    lossy, _ = run(
        b"\x80\x04(" + words + b"".join(b"Nr" + bytes([0, 1, 0, k]) for k in range(5)) + b"h\xfbl."
    )
    assert lossy.reason is None
    rewritten, _ = run(b"\x80\x04(" + words + b"q\x07q\x00h\x07h\x00l.")
    assert isinstance(rewritten.value, Items)
    assert rewritten.value.items[-2:] == ["w9", "w9"]


def test_what_is_read_again_is_remembered_where_it_was_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "_NEAR", 1)
    machine, _ = run(b"\x80\x04(Va\n\x94Vword\n\x94h\x01q\x01h\x01q\x01h\x01l.")
    assert isinstance(machine.value, Items)
    assert machine.value.items == ["a", "word", "word", "word", "word"]


def test_only_so_many_steps() -> None:
    machine, events = run(b"N0" * 100, 7)
    assert events == []
    assert (machine.taken, machine.end, machine.reason) == (7, None, None)


def test_names_without_end_are_cut() -> None:
    long = b"a" * 3000
    assert imports(b"c" + long + b"\nx\n.") == ["a" * 512]
    chain = b"cx\ny\n" + b")R" * 400 + b"."
    assert targets(chain)[-1] is None


def test_state_of_what_takes_none() -> None:
    machine, events = run(b"N}b]}b.")
    assert (machine.reason, events) == (None, [])


def test_pairs_give_the_last_value_of_a_key() -> None:
    pairs = Pairs([("a", 1), ("a", 2)], 2)
    assert (pairs.get("a"), pairs.get("b")) == (2, None)
