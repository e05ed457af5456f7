/** Dialogs in the address: links open them, and Back closes them. */

import assert from "node:assert/strict";
import { test as it } from "node:test";
import { Address } from "../src/filters/address.ts";
import { type Dialog, dialogAddress, parseDialog } from "../src/filters/dialog.ts";
import { FakeAddressBar, uuid } from "./helpers.ts";

const TRADE: Dialog = { kind: "trade", id: uuid(1) };
const LEDGER: Dialog = { kind: "operations", section: "ledger" };

it("a dialog survives writing to an address and reading from it", () => {
  const dialogs: (Dialog | undefined)[] = [
    TRADE,
    LEDGER,
    { kind: "operations", section: "dead-letters" },
    { kind: "operations", section: "operations" },
    { kind: "help" },
    { kind: "trade", id: "a/b c%" },
    undefined,
  ];
  for (const dialog of dialogs) {
    assert.deepEqual(parseDialog(dialogAddress(dialog)), dialog);
  }
});

it("a trade's path may have any text as its id", () => {
  assert.deepEqual(parseDialog({ path: "/trade/", hash: "" }), { kind: "trade", id: "" });
  assert.deepEqual(parseDialog({ path: "/trade/%zz", hash: "" }), { kind: "trade", id: "%zz" });
  assert.equal(parseDialog({ path: "/", hash: "#elsewhere" }), undefined);
});

it("an opened dialog keeps filters and range, and Back closes it", () => {
  const bar = new FakeAddressBar("?from=EUR&window=24h");
  const address = new Address(bar);
  const { filters, range } = address;
  address.open(TRADE);
  assert.equal(bar.query, `/trade/${uuid(1)}?from=EUR&window=24h`);
  assert.deepEqual(address.dialog, TRADE);
  bar.back();
  assert.equal(address.dialog, undefined);
  assert.equal(bar.query, "?from=EUR&window=24h");
  assert.ok(address.filters === filters && address.range === range, "nothing starts over");
});

it("closing a dialog that this page opened leaves no entry in the history", () => {
  const bar = new FakeAddressBar();
  const address = new Address(bar);
  address.open(LEDGER);
  address.open(TRADE);
  address.closeDialog();
  assert.deepEqual(address.dialog, LEDGER);
  address.closeDialog();
  assert.equal(address.dialog, undefined);
  assert.deepEqual(bar.steps, [""]);
});

it("closing a dialog that was linked shows the page in its place", () => {
  const bar = new FakeAddressBar(`/trade/${uuid(1)}?from=EUR`);
  const address = new Address(bar);
  assert.deepEqual(address.dialog, TRADE);
  address.closeDialog();
  assert.equal(address.dialog, undefined);
  assert.deepEqual(bar.steps, ["?from=EUR"]);
});

it("the next trade takes the place of the one before, so that Back closes both", () => {
  const bar = new FakeAddressBar();
  const address = new Address(bar);
  address.open(TRADE);
  address.replaceDialog({ kind: "trade", id: uuid(2) });
  assert.deepEqual(bar.steps, ["", `/trade/${uuid(2)}`]);
  address.closeDialog();
  assert.deepEqual(bar.steps, [""]);
});
