/** The order of the list of trades. As text, it is the `sort` of `GET /api/messages`, and of the page's address. */

import { FIELDS, type FieldName } from "../trade/fields.ts";
import type { Filters } from "./filters.ts";

export type OrderField = FieldName | "receivedAt";

/** Never changed in place. */
export interface Order {
  readonly by: OrderField;
  readonly direction: "ascending" | "descending";
}

export const NEWEST_FIRST: Order = { by: "receivedAt", direction: "descending" };

/** The filters that say in which currency an amount is. An amount without an entry can't be sorted by. */
const CURRENCIES: Readonly<Partial<Record<OrderField, readonly ("from" | "to")[]>>> = {
  amountSell: ["from"],
  amountBuy: ["to"],
  rate: ["from", "to"],
};

export const ORDER_FIELDS: readonly OrderField[] = [
  "receivedAt",
  ...FIELDS.filter(({ isOptional }) => !isOptional)
    .filter(({ kind, name }) => kind !== "amount" || name in CURRENCIES)
    .map(({ name }) => name),
];

const SIGNS = { ascending: "", descending: "-" } as const;

/** Returns undefined if the API would refuse the order. */
export function parseOrder(text: string): Order | undefined {
  const direction = text.startsWith(SIGNS.descending) ? "descending" : "ascending";
  const by = ORDER_FIELDS.find((field) => text === SIGNS[direction] + field);
  return by && { by, direction };
}

export function orderText({ by, direction }: Order): string {
  return SIGNS[direction] + by;
}

export function sameOrder(a: Order, b: Order): boolean {
  return orderText(a) === orderText(b);
}

/** The currencies that an order needs, and the filters lack: amounts of different currencies don't compare. */
export function missingCurrencies({ by }: Order, filters: Filters): readonly ("from" | "to")[] {
  return (CURRENCIES[by] ?? []).filter((name) => filters[name] === "");
}

/** The order that trades can be listed in: newest first until the currency is known. */
export function listedOrder(order: Order, filters: Filters): Order {
  return missingCurrencies(order, filters).length > 0 ? NEWEST_FIRST : order;
}

/** The effect of a click on a column: descending, then ascending, then back to newest first. */
export function toggleOrder(order: Order, by: OrderField): Order {
  if (order.by !== by) {
    return { by, direction: "descending" };
  }
  return order.direction === "descending" ? { by, direction: "ascending" } : NEWEST_FIRST;
}
