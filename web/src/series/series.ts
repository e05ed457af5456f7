/** How much was traded, and at what rate, over time. */

import type { Page, Panel, View } from "../page.ts";
import type { Figures } from "../server/stats.ts";
import { byId, element, setText } from "../ui/dom.ts";
import { remember, remembered } from "../ui/local-storage.ts";
import { Choice } from "../ui/radio-group.ts";
import { onTheme } from "../ui/theme.ts";
import { Chart } from "./chart.ts";
import { Focus, focused } from "./focus.ts";
import { remark, type Topic, Words } from "./labels.ts";
import { allSteps, NO_STEPS, SUBJECTS, type Subject, stepAt } from "./steps.ts";

const KEY = "series";
const SUBJECT_WORDS: Readonly<Record<Subject, string>> = {
  messages: "Trades",
  volume: "Volume",
  rate: "Rate",
};

export class Series implements Panel {
  readonly #page: Page;
  readonly #caption = element("span", "caption");
  readonly #readOut = element("span", "read-out");
  readonly #remark = element("p", "remark");
  readonly #plot = element("div", "plot");
  readonly #summary = element("p", "visually-hidden");
  readonly #chart = new Chart(this.#plot);
  readonly #words = new Words();
  readonly #focus = new Focus();
  readonly #subjects: Choice<Subject>;
  #subject = SUBJECTS.find((subject) => subject === remembered(KEY)) ?? "messages";
  /** The step that is pointed at, by its beginning: the chart moves on under the pointer. */
  #pointedMs: number | undefined;
  #figures: Figures | undefined;
  #steps = NO_STEPS;
  /** Counts what the canvas doesn't follow by itself: sizes and colours. */
  #looks = 0;
  #painted: readonly unknown[] = [];
  #drawn: readonly unknown[] = [];

  constructor(place: HTMLElement, page: Page) {
    this.#page = page;
    const line = element("p", "series-line");
    line.append(this.#caption, this.#readOut);
    place.append(line, this.#remark, this.#plot, this.#summary);
    this.#subjects = new Choice("What is shown", SUBJECT_WORDS, (subject) => {
      this.#subject = subject;
      remember(KEY, subject);
      page.repaint();
    });
    byId("series-tools", HTMLElement).append(this.#subjects.element);
    this.#listen();
  }

  #listen(): void {
    const plot = this.#plot;
    // As a slider it has a value in words, which arrows change, and which screen readers tell.
    plot.role = "slider";
    plot.tabIndex = 0;
    for (const name of ["pointermove", "pointerdown"] as const) {
      plot.addEventListener(name, ({ clientX }) => this.#point(this.#chart.stepAt(clientX)));
    }
    plot.addEventListener("pointerleave", ({ pointerType }) => {
      // A finger leaves by being lifted: what it pointed at is what one wants to read then.
      if (pointerType === "mouse") {
        this.#point(undefined);
      }
    });
    plot.addEventListener("blur", () => this.#point(undefined));
    plot.addEventListener("keydown", (event) => {
      const index = this.#keyed(event.key);
      if (index !== undefined) {
        event.preventDefault();
        this.#point(index);
      }
    });
    const look = (): void => {
      this.#chart.look();
      this.#looks += 1;
      this.#page.repaint();
    };
    new ResizeObserver(look).observe(plot);
    onTheme(look);
  }

  /** The step that a key leads to. */
  #keyed(key: string): number | undefined {
    const last = this.#steps.list.length - 1;
    switch (key) {
      case "ArrowLeft":
      case "ArrowDown":
        return Math.max(0, this.#index - 1);
      case "ArrowRight":
      case "ArrowUp":
        return Math.min(last, this.#index + 1);
      case "Home":
        return 0;
      case "End":
        return last;
      default:
        return;
    }
  }

  #point(index: number | undefined): void {
    this.#pointedMs = index === undefined ? undefined : this.#steps.sinceMs + index * this.#steps.stepMs;
    this.#page.repaint();
  }

  /** The step to read out: the one that is pointed at, else the newest. */
  get #index(): number {
    return stepAt(this.#steps, this.#pointedMs ?? this.#steps.untilMs);
  }

  paint(view: View): void {
    const { statistics, window, zone, filters } = view;
    const pair = this.#focus.pair(filters, statistics.pairs?.pairs);
    const isChosen = filters.from !== "" && filters.to !== "";
    const isMessages = this.#subject === "messages";
    this.#page.focusOn(isMessages ? undefined : pair);
    const topic: Topic = {
      subject: this.#subject,
      pair: isMessages && !isChosen ? undefined : pair,
      isChosen,
    };
    const figures = isMessages ? statistics.messages : focused(statistics, pair);
    if (figures !== this.#figures) {
      this.#figures = figures;
      this.#steps = figures ? allSteps(figures, view.nowMs) : NO_STEPS;
    }
    const { trouble } = statistics;
    const shows = [
      figures,
      topic.subject,
      pair?.from,
      pair?.to,
      isChosen,
      window,
      zone,
      trouble,
      this.#looks,
    ];
    if (isSame([...shows, this.#pointedMs], this.#painted)) {
      return;
    }
    this.#painted = [...shows, this.#pointedMs];
    this.#subjects.show(topic.subject);
    setText(this.#remark, remark(topic, figures, statistics, window));
    this.#plot.hidden = !figures || figures.series.length === 0;
    this.#write(topic, view);
    this.#draw(topic, view);
  }

  #write(topic: Topic, { window, zone }: View): void {
    const isThere = !this.#plot.hidden;
    const readOut = isThere ? this.#words.readOut(topic, this.#steps, this.#index, zone) : "";
    setText(this.#caption, this.#words.caption(topic, this.#steps.stepMs));
    this.#caption.title = this.#caption.textContent;
    setText(this.#readOut, readOut);
    setText(this.#summary, isThere ? this.#words.summary(topic, this.#steps, window, zone) : "");
    this.#plot.ariaLabel = this.#caption.textContent;
    this.#plot.ariaValueMin = "0";
    this.#plot.ariaValueMax = String(this.#steps.list.length - 1);
    this.#plot.ariaValueNow = String(this.#index);
    this.#plot.ariaValueText = readOut;
  }

  #draw({ subject }: Topic, { zone }: View): void {
    const drawn = [this.#figures, subject, zone, this.#looks];
    if (!(this.#plot.hidden || isSame(drawn, this.#drawn))) {
      this.#drawn = drawn;
      this.#chart.draw(this.#steps, subject, zone);
    }
    this.#chart.mark(this.#pointedMs === undefined ? undefined : this.#index);
  }
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
