"""Airbyte's Protobuf messages, decoded by Google's library from a descriptor that is built here.

The fields are those of `airbyte_message.proto`, `airbyte_record_message.proto` and `airbyte_record_message_meta.proto` in
airbytehq/airbyte. Nothing here is shared with the connector's encoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "io.airbyte.protocol.protobuf"
_Field = descriptor_pb2.FieldDescriptorProto

_TYPES = {
    "bool": _Field.TYPE_BOOL,
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
    "double": _Field.TYPE_DOUBLE,
    "sint32": _Field.TYPE_SINT32,
    "sint64": _Field.TYPE_SINT64,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
}

#: Message → (name of the oneof that its fields are in, fields as (name, number, type)).
_MESSAGES: dict[str, tuple[str | None, list[tuple[str, int, str]]]] = {
    "LocalDateTime": (None, [("date_days_since_epoch", 1, "sint64"), ("nanos_of_day", 2, "uint64")]),
    "OffsetTime": (None, [("nanos_of_day", 1, "uint64"), ("offset_seconds", 2, "sint32")]),
    "OffsetDateTime": (None, [("epoch_second", 1, "sint64"), ("nano", 2, "uint32"), ("offset_seconds", 3, "sint32")]),
    "AirbyteValueProtobuf": (
        "value",
        [
            ("boolean", 1, "bool"),
            ("string", 2, "string"),
            ("integer", 3, "sint64"),
            ("big_integer", 4, "string"),
            ("number", 5, "double"),
            ("big_decimal", 6, "string"),
            ("date", 7, "sint64"),
            ("time_with_timezone", 8, "OffsetTime"),
            ("time_without_timezone", 9, "uint64"),
            ("timestamp_with_timezone", 10, "OffsetDateTime"),
            ("timestamp_without_timezone", 11, "LocalDateTime"),
            ("json", 12, "bytes"),
        ],
    ),
    # The enums are numbers here: a number that is none of theirs must be seen as it is.
    "Change": (None, [("field", 1, "string"), ("change", 2, "uint32"), ("reason", 3, "uint32")]),
    "AirbyteRecordMessageMeta": (None, [("changes", 1, "repeated Change")]),
    "AirbyteRecordMessageProtobuf": (
        None,
        [
            ("stream_namespace", 1, "optional string"),
            ("stream_name", 2, "string"),
            ("emitted_at_ms", 3, "uint64"),
            ("partition_id", 4, "string"),
            ("data", 5, "repeated AirbyteValueProtobuf"),
            ("meta", 6, "AirbyteRecordMessageMeta"),
        ],
    ),
    "AirbyteProbeMessageProtobuf": (None, []),
    "AirbyteMessageProtobuf": (
        "type",
        [
            ("record", 1, "AirbyteRecordMessageProtobuf"),
            ("airbyte_protocol_message", 2, "string"),
            ("probe", 3, "AirbyteProbeMessageProtobuf"),
        ],
    ),
}


def _message_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="airbyte.proto", package=_PACKAGE, syntax="proto3")
    for name, (oneof, fields) in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if oneof:
            message.oneof_decl.add(name=oneof)
        for field_name, number, kind in fields:
            *words, kind = kind.split()
            label = _Field.LABEL_REPEATED if "repeated" in words else _Field.LABEL_OPTIONAL
            field = message.field.add(name=field_name, number=number, label=label)
            if kind in _TYPES:
                field.type = _TYPES[kind]
            else:
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            if oneof:
                field.oneof_index = 0
            if "optional" in words:
                field.proto3_optional, field.oneof_index = True, len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{field_name}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.AirbyteMessageProtobuf"))


AirbyteMessage = _message_class()


def messages(stream: bytes, whole: bool = True) -> Iterator[Any]:
    """The messages of a socket, each after its length. Only a stream that is not `whole` may end within one."""
    at = 0
    while at < len(stream):
        start, length, shift = at, 0, 0
        while True:
            if at == len(stream):
                assert not whole, f"the stream ends within a length at {start}"
                return
            byte = stream[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            assert shift <= 35, f"no length at {start}"
            if byte < 0x80:
                break
        if at + length > len(stream):
            assert not whole, f"the stream ends within a message at {start}"
            return
        message = AirbyteMessage.FromString(stream[at : at + length])
        # What the descriptor does not know would be lost when the message is written again.
        assert message.ByteSize() == length, f"a field that is not known, or not in its shortest form, at {start}"
        yield message
        at += length
