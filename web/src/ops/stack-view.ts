/** The sections of components, programs and queue, from `/readyz`. */

import type { Component, Health, Tube } from "../server/health.ts";
import { element, setText } from "../ui/dom.ts";
import { numberFormat } from "../ui/format.ts";
import { age, componentLabel, stateLabel } from "./labels.ts";
import { section } from "./section.ts";
import { type Row, Table } from "./table.ts";

const whole = numberFormat();

export class StackView {
  readonly components: HTMLElement;
  readonly programs: HTMLElement;
  readonly tubes: HTMLElement;
  readonly #remark = element("p", "remark");
  readonly #components = new Table(
    "Components of the stack and their status",
    [
      { label: "Component", kind: "text" },
      { label: "Status", kind: "text" },
      { label: "Detail", kind: "text" },
    ],
    "ops-components",
  );
  readonly #tubes = new Table(
    "Tubes of the queue and their jobs",
    [
      { label: "Tube", kind: "text" },
      { label: "Waiting", kind: "number" },
      { label: "Jobs", kind: "number" },
      { label: "Dead letters", kind: "number" },
      { label: "Oldest job", kind: "number" },
      { label: "Consumers", kind: "number" },
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
    this.components = section("ops-components-title", "Components", this.#remark, this.#components.element);
    const [ended, jobs] = [element("p", "remark"), element("p", "remark")];
    ended.textContent = "A program that ends is started again.";
    jobs.textContent = "A job holds one message, or the messages of a batch.";
    this.programs = section("ops-programs-title", "Programs", ended, this.#programs.element);
    this.tubes = section("ops-tubes-title", "Queue", jobs, this.#tubes.element);
    this.components.classList.add("half");
    this.programs.classList.add("half");
  }

  /** `isAllowed`: whether the reader may know more than whether messages are accepted. */
  paint(health: Health, isAllowed: boolean): void {
    if (health === this.#health) {
      return;
    }
    this.#health = health;
    const { status, components, tubes } = health;
    const states = components.find(({ name }) => name === "programs")?.facts["states"] ?? {};
    setText(this.#remark, `${REMARKS[status] ?? ""}${isAllowed ? "" : ` ${NEEDS_MONITOR}`}`);
    this.#components.element.hidden = !isAllowed;
    this.#components.paint(components.map(componentRow));
    this.#tubes.paint((tubes ?? []).map(tubeRow));
    this.tubes.hidden = tubes === undefined;
    this.#programs.paint(Object.entries(states).map(programRow));
    this.programs.hidden = Object.keys(states).length === 0;
  }
}

const NEEDS_MONITOR = "The state of the components needs the role monitor.";
/** Each fits one line, so that a change moves nothing. */
const REMARKS: Readonly<Partial<Record<Health["status"], string>>> = {
  ready: "Messages are accepted.",
  degraded: "Messages are accepted, but a component has a problem.",
  "not-ready": "Messages are refused at the moment.",
};

function componentRow(component: Component): Row {
  const isOk = component.status === "ok";
  return {
    cells: [component.name, isOk ? "✓ OK" : `▲ ${component.status}`, componentLabel(component)],
    mark: isOk ? undefined : "bad",
  };
}

function tubeRow({ name, waiting, jobs, deadLetters, oldestJobAgeSeconds, consumers }: Tube): Row {
  const messages = waiting === undefined ? "–" : whole.format(waiting);
  const counts = [jobs, deadLetters].map((count) => whole.format(count));
  return { cells: [name, messages, ...counts, age(oldestJobAgeSeconds), whole.format(consumers)] };
}

function programRow([name, state]: readonly [string, unknown]): Row {
  return { cells: [name, stateLabel(String(state))], mark: MARKS.get(state) };
}

const MARKS: ReadonlyMap<unknown, Row["mark"]> = new Map([
  ["fatal", "bad"],
  ["backoff", "bad"],
  ["stopped", "quiet"],
  ["exited", "quiet"],
]);
