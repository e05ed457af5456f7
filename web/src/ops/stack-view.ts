/** The sections of components, queue and programs, from `/readyz`. */

import type { Component, Health, Tube } from "../server/health.ts";
import { element, setText } from "../ui/dom.ts";
import { numberFormat } from "../ui/format.ts";
import { age, componentLabel, stateLabel } from "./labels.ts";
import { section } from "./section.ts";
import { type Row, Table } from "./table.ts";

const whole = numberFormat();

export class StackView {
  readonly components: HTMLElement;
  readonly tubes: HTMLElement;
  readonly programs: HTMLElement;
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
    const jobs = element("p", "remark");
    jobs.textContent = "A job holds one message, or the messages of a batch.";
    this.tubes = section("ops-tubes-title", "Queue", jobs, this.#tubes.element);
    this.programs = section("ops-programs-title", "Programs", this.#programs.element);
  }

  paint(health: Health): void {
    if (health === this.#health) {
      return;
    }
    this.#health = health;
    const { status, components, tubes } = health;
    const states = components.find(({ name }) => name === "programs")?.facts["states"] ?? {};
    setText(this.#remark, REMARKS[status]);
    this.#remark.hidden = REMARKS[status] === "";
    this.#components.paint(components.map(componentRow));
    this.#components.element.hidden = components.length === 0;
    this.#tubes.paint((tubes ?? []).map(tubeRow));
    this.tubes.hidden = tubes === undefined;
    this.#programs.paint(Object.entries(states).map(programRow));
    this.programs.hidden = Object.keys(states).length === 0;
  }
}

const REMARKS: Readonly<Record<Health["status"], string>> = {
  unknown: "Loading…",
  unreachable:
    "The server does not answer, so the state of its components is unknown. Retrying every few seconds.",
  ready: "",
  degraded: "Messages are accepted, but some components have problems:",
  "not-ready": "Messages are refused at the moment:",
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
