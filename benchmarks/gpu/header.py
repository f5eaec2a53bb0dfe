"""Compares the structures of plait.py with those of plait.h, field by field."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

import plait
from context import Context

HEADER = Path(__file__).resolve().parents[2] / "native" / "include" / "plait.h"
_C_TYPES = {
    ctypes.c_int32: ("int32_t",), ctypes.c_uint32: ("uint32_t",), ctypes.c_int64: ("int64_t",),
    ctypes.c_float: ("float",), ctypes.c_double: ("double",),
}  # fmt: skip


def structures(text: str) -> dict[str, list[tuple[str, str, int]]]:
    """Name, C type and length of each structure's fields; a pointer's type is "*"."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    result = {}
    for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\}", text, flags=re.S):
        fields = re.findall(r"(?:const )?(\w+)\s*(\*?)\s*(\w+)(?:\[(\d+)\])?;", body)
        result[name] = [(field, "*" if star else kind, int(size or 1)) for kind, star, field, size in fields]
    return result


def described(structure: type) -> list[tuple[str, str, int]]:
    names = {cls: name for name, cls in plait.STRUCTURES.items()}
    result = []
    for field, kind in structure._fields_:
        size = getattr(kind, "_length_", 1)
        kind = kind._type_ if size > 1 else kind
        c_type = "*" if kind is ctypes.c_void_p else names.get(kind) or _C_TYPES[kind][0]
        result.append((field, c_type, size))
    return result


def check_header(context: Context) -> None:
    context.checks.family("binding")
    if not HEADER.exists():
        return context.checks.skip("comparison with plait.h: it is not there")
    declared = structures(HEADER.read_text())
    context.checks.true("structures", set(declared) == set(plait.STRUCTURES), f"{set(declared) ^ set(plait.STRUCTURES)}")
    for name, structure in plait.STRUCTURES.items():
        expected, got = declared.get(name), described(structure)
        context.checks.true(name, got == expected, f"plait.h has {expected}, plait.py {got}")
