"""Generate web/src/trade/fields.ts: what the page knows about the fields of a trade.

Run `.venv/bin/python -m tests.generate_fields` after changing tradewire/fields.py. A test fails if the file is stale.
"""

from __future__ import annotations

import json
from pathlib import Path

from tradewire.fields import FIELDS, Field

TARGET = Path(__file__).parents[1] / "web/src/trade/fields.ts"

_TEXT = """\
/** The fields of a trade, written by tests/generate_fields.py; not to be edited by hand. */

export interface Field {{
  readonly name: FieldName;
  readonly kind: "text" | "currency" | "country" | "amount" | "time";
  readonly isOptional: boolean;
  /** The parameter of `GET /api/messages` that selects trades by this field, if there is one. */
  readonly filter: FieldFilter | undefined;
  readonly maxChars: number;
  /** Undefined if the page has its own rendering of the field. */
  readonly label: string | undefined;
}}

/** The text members of an event. */
export interface Texts {{
  readonly id: string;
  readonly receivedAt: string;
{members}
}}

export type FieldName = Exclude<keyof Texts, "id" | "receivedAt">;
export type FieldFilter = {filters};
/** The fields that have a label. */
export type LabelledName = {labelled};

export const FIELDS: readonly Field[] = [
{fields}
];

/** Copies an event member by member: spreading the object takes ten times as long. */
export function copyEvent<Flags>(
  texts: Texts,
  flags: Flags,
  receivedMicros: number,
): Texts & {{ readonly flags: Flags; readonly receivedMicros: number }} {{
  return {{
    id: texts.id,
    receivedAt: texts.receivedAt,
{required}
    flags,
{optional}    receivedMicros,
  }};
}}
"""


def page_fields() -> str:
    """Return the content of the file."""
    copies = {field: f"    {field.json_name}: texts.{field.json_name},\n" for field in FIELDS}
    return _TEXT.format(
        members="\n".join(map(_member, FIELDS)),
        filters=_union([name for name in map(_filter, FIELDS) if name]),
        labelled=_union([field.json_name for field in FIELDS if field.label]),
        fields="\n".join(map(_field, FIELDS)),
        required="".join(copy for field, copy in copies.items() if not field.is_optional).rstrip("\n"),
        optional="".join(copy for field, copy in copies.items() if field.is_optional),
    )


def _member(field: Field) -> str:
    return f"  readonly {field.json_name}: string{' | undefined' if field.is_optional else ''};"


def _field(field: Field) -> str:
    values = {
        "name": field.json_name,
        "kind": field.type.kind,
        "isOptional": field.is_optional,
        "filter": _filter(field),
        "maxChars": field.type.code_chars or field.type.max_chars,
        "label": field.label or None,
    }
    members = [f"    {name}: {_literal(value)},\n" for name, value in values.items()]
    return "  {\n" + "".join(members) + "  },"


def _filter(field: Field) -> str | None:
    """Return the filter for which the page has an input. An optional field without a label has none."""
    return field.filter.parameter if field.filter and (field.label or not field.is_optional) else None


def _literal(value: object) -> str:
    return "undefined" if value is None else json.dumps(value, ensure_ascii=False)


def _union(names: list[str]) -> str:
    return " | ".join(map(_literal, names)) or "never"


if __name__ == "__main__":
    TARGET.write_text(page_fields())
