/** The fields of a trade, written by tests/generate_fields.py; not to be edited by hand. */

export interface Field {
  readonly name: FieldName;
  readonly kind: "text" | "currency" | "country" | "amount" | "time";
  readonly isOptional: boolean;
  /** The parameter of `GET /api/messages` that selects trades by this field, if there is one. */
  readonly filter: FieldFilter | undefined;
  readonly maxChars: number;
  /** Undefined if the page has its own rendering of the field. */
  readonly label: string | undefined;
}

/** The text members of an event. */
export interface Texts {
  readonly id: string;
  readonly receivedAt: string;
  readonly userId: string;
  readonly currencyFrom: string;
  readonly currencyTo: string;
  readonly amountSell: string;
  readonly amountBuy: string;
  readonly rate: string;
  readonly timePlaced: string;
  readonly originatingCountry: string;
  readonly producer: string | undefined;
}

export type FieldName = Exclude<keyof Texts, "id" | "receivedAt">;
export type FieldFilter = "user" | "from" | "to" | "country" | "producer";
/** The fields that have a label. */
export type LabelledName = "producer";

export const FIELDS: readonly Field[] = [
  {
    name: "userId",
    kind: "text",
    isOptional: false,
    filter: "user",
    maxChars: 64,
    label: undefined,
  },
  {
    name: "currencyFrom",
    kind: "currency",
    isOptional: false,
    filter: "from",
    maxChars: 3,
    label: undefined,
  },
  {
    name: "currencyTo",
    kind: "currency",
    isOptional: false,
    filter: "to",
    maxChars: 3,
    label: undefined,
  },
  {
    name: "amountSell",
    kind: "amount",
    isOptional: false,
    filter: undefined,
    maxChars: 64,
    label: undefined,
  },
  {
    name: "amountBuy",
    kind: "amount",
    isOptional: false,
    filter: undefined,
    maxChars: 64,
    label: undefined,
  },
  {
    name: "rate",
    kind: "amount",
    isOptional: false,
    filter: undefined,
    maxChars: 64,
    label: undefined,
  },
  {
    name: "timePlaced",
    kind: "time",
    isOptional: false,
    filter: undefined,
    maxChars: 64,
    label: undefined,
  },
  {
    name: "originatingCountry",
    kind: "country",
    isOptional: false,
    filter: "country",
    maxChars: 2,
    label: undefined,
  },
  {
    name: "producer",
    kind: "text",
    isOptional: true,
    filter: "producer",
    maxChars: 64,
    label: "Producer",
  },
];

/** Copies an event member by member: spreading the object takes ten times as long. */
export function copyEvent<Flags>(
  texts: Texts,
  flags: Flags,
  receivedMicros: number,
): Texts & { readonly flags: Flags; readonly receivedMicros: number } {
  return {
    id: texts.id,
    receivedAt: texts.receivedAt,
    userId: texts.userId,
    currencyFrom: texts.currencyFrom,
    currencyTo: texts.currencyTo,
    amountSell: texts.amountSell,
    amountBuy: texts.amountBuy,
    rate: texts.rate,
    timePlaced: texts.timePlaced,
    originatingCountry: texts.originatingCountry,
    flags,
    producer: texts.producer,
    receivedMicros,
  };
}
