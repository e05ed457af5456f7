/** The orders of the list, in words. */

import type { Order, OrderField } from "../filters/order.ts";
import { FIELDS } from "../trade/fields.ts";

const LABELS: Readonly<Partial<Record<OrderField, string>>> = {
  receivedAt: "Time",
  userId: "User",
  currencyFrom: "Currency sold",
  currencyTo: "Currency bought",
  amountSell: "Amount sold",
  amountBuy: "Amount bought",
  rate: "Rate",
  originatingCountry: "Country",
  timePlaced: "Placed",
};

const DIRECTIONS = {
  time: { descending: "newest first", ascending: "oldest first" },
  amount: { descending: "largest first", ascending: "smallest first" },
  text: { descending: "Z to A", ascending: "A to Z" },
} as const;

export function orderLabel(by: OrderField): string {
  return LABELS[by] ?? FIELDS.find(({ name }) => name === by)?.label ?? by;
}

export function directionLabel({ by, direction }: Order): string {
  const kind = by === "receivedAt" ? "time" : FIELDS.find(({ name }) => name === by)?.kind;
  return DIRECTIONS[kind === "time" || kind === "amount" ? kind : "text"][direction];
}
