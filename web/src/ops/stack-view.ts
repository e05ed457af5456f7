/** Parts, tubes and programs, as `/readyz` tells them. */

import type { Health, Part, Tube } from "../server/health.ts";
import { element, setText } from "../ui/dom.ts";
import { age, partWords, stateWords } from "./labels.ts";
import { section } from "./section.ts";
import { type Row, Table } from "./table.ts";

const whole = new Intl.NumberFormat();

export class StackView {
  readonly parts: HTMLElement;
  readonly tubes: HTMLElement;
  readonly programs: HTMLElement;
  readonly #remark = element("p", "remark");
  readonly #parts = new Table(
    "Parts of the stack, and how each one stands",
    [
      { label: "Part", kind: "text" },
      { label: "State", kind: "text" },
      { label: "In words", kind: "text" },
    ],
    "ops-parts",
  );
  readonly #tubes = new Table(
    "Tubes of the queue, and what waits in each",
    [
      { label: "Tube", kind: "text" },
      { label: "Waiting", kind: "figure" },
      { label: "In jobs", kind: "figure" },
      { label: "Buried", kind: "figure" },
      { label: "Oldest", kind: "figure" },
      { label: "Processors", kind: "figure" },
    ],
    "ops-tubes",
  );
  readonly #programs = new Table(
    "Programs and their states",
    [
      { label: "Program", kind: "text" },
      { label: "State", kind: "text" },
    ],
    "ops-programs",
  );
  #health: Health | undefined;

  constructor() {
    this.parts = section("ops-parts-title", "Parts", this.#remark, this.#parts.element);
    const jobs = element("p", "remark");
    jobs.textContent = "Messages wait in jobs, each posted alone or with its batch.";
    this.tubes = section("ops-tubes-title", "Queue", jobs, this.#tubes.element);
    this.programs = section("ops-programs-title", "Programs", this.#programs.element);
  }

  paint(health: Health): void {
    if (health === this.#health) {
      return;
    }
    this.#health = health;
    const { status, parts, tubes } = health;
    const states = parts.find(({ name }) => name === "programs")?.facts["states"] ?? {};
    setText(this.#remark, REMARKS[status]);
    this.#remark.hidden = REMARKS[status] === "";
    this.#parts.paint(parts.map(partRow));
    this.#parts.element.hidden = parts.length === 0;
    this.#tubes.paint((tubes ?? []).map(tubeRow));
    this.tubes.hidden = tubes === undefined;
    this.#programs.paint(Object.entries(states).map(programRow));
    this.programs.hidden = Object.keys(states).length === 0;
  }
}

const REMARKS: Readonly<Record<Health["status"], string>> = {
  unknown: "Asking how the parts stand…",
  unreachable:
    "The server does not answer, so nothing is known of its parts. Asking again every few seconds.",
  ready: "",
  degraded: "Messages are kept. Something else does not work as it should:",
  "not ready": "Messages posted now are refused:",
};

function partRow(part: Part): Row {
  const isWell = part.status === "OK";
  return {
    cells: [part.name, isWell ? "✓ OK" : `▲ ${part.status}`, partWords(part)],
    mark: isWell ? undefined : "bad",
  };
}

function tubeRow({ name, waiting, jobs, buried, oldestSeconds, processors }: Tube): Row {
  const messages = waiting === undefined ? "–" : whole.format(waiting);
  const figures = [jobs, buried].map((figure) => whole.format(figure));
  return { cells: [name, messages, ...figures, age(oldestSeconds), whole.format(processors)] };
}

function programRow([name, state]: readonly [string, unknown]): Row {
  return { cells: [name, stateWords(String(state))], mark: MARKS.get(state) };
}

const MARKS: ReadonlyMap<unknown, Row["mark"]> = new Map([
  ["FATAL", "bad"],
  ["BACKOFF", "bad"],
  ["STOPPED", "quiet"],
  ["EXITED", "quiet"],
]);
