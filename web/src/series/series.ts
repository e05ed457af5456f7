/** The panel of trades, volume and rate over time. */

import { widening } from "../filters/widen.ts";
import type { Page, Panel, View } from "../page.ts";
import { figuresState } from "../server/figures-state.ts";
import type { Stats } from "../server/stats.ts";
import { byId, element, setText } from "../ui/dom.ts";
import { loadSetting, saveSetting } from "../ui/local-storage.ts";
import { PanelState } from "../ui/panel-state.ts";
import { RadioGroup } from "../ui/radio-group.ts";
import { onTheme } from "../ui/theme.ts";
import { Chart } from "./chart.ts";
import { Focus, focused } from "./focus.ts";
import { Labels, noneText, type Topic } from "./labels.ts";
import { allSteps, NO_STEPS, SUBJECTS, type Subject, stepAt } from "./steps.ts";

const KEY = "series";
const SUBJECT_LABELS: Readonly<Record<Subject, string>> = {
  trades: "Trades",
  volume: "Volume",
  rate: "Rate",
};

export class Series implements Panel {
  readonly #page: Page;
  readonly #caption = element("span", "caption");
  readonly #readout = element("span", "readout");
  readonly #state: PanelState;
  readonly #plot = element("div", "plot");
  readonly #summary = element("p", "visually-hidden");
  readonly #chart = new Chart(this.#plot);
  readonly #labels = new Labels();
  readonly #focus = new Focus();
  readonly #subjects: RadioGroup<Subject>;
  #subject = SUBJECTS.find((subject) => subject === loadSetting(KEY)) ?? "trades";
  /** The start of the hovered step: the chart moves under the pointer. */
  #pointedMs: number | undefined;
  #shown: Stats | undefined;
  #steps = NO_STEPS;
  /** Counts changes of size and colours, which the canvas does not follow by itself. */
  #measureCount = 0;
  #painted: readonly unknown[] = [];
  #drawn: readonly unknown[] = [];

  constructor(place: HTMLElement, page: Page) {
    this.#page = page;
    const line = element("p", "series-line");
    line.append(this.#caption, this.#readout);
    place.append(line, this.#plot, this.#summary);
    this.#state = new PanelState(place);
    this.#subjects = new RadioGroup("Charted value", SUBJECT_LABELS, (subject) => {
      this.#subject = subject;
      saveSetting(KEY, subject);
      page.repaint();
    });
    byId("series-tools", HTMLElement).append(this.#subjects.element);
    this.#listen();
  }

  #listen(): void {
    const plot = this.#plot;
    // As a slider, the plot has a text value that arrow keys change and screen readers read.
    plot.role = "slider";
    plot.tabIndex = 0;
    for (const name of ["pointermove", "pointerdown"] as const) {
      plot.addEventListener(name, ({ clientX }) => this.#point(this.#chart.stepAt(clientX)));
    }
    plot.addEventListener("pointerleave", ({ pointerType }) => {
      // Lifting a finger also fires pointerleave, and the readout should stay then.
      if (pointerType === "mouse") {
        this.#point(undefined);
      }
    });
    plot.addEventListener("blur", () => this.#point(undefined));
    plot.addEventListener("keydown", (event) => {
      const index = this.#stepForKey(event.key);
      if (index !== undefined) {
        event.preventDefault();
        this.#point(index);
      }
    });
    const measure = (): void => {
      this.#chart.measure();
      this.#measureCount += 1;
      this.#page.repaint();
    };
    new ResizeObserver(measure).observe(plot);
    onTheme(measure);
  }

  /** The step that a key moves to. */
  #stepForKey(key: string): number | undefined {
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

  /** The step to read out: the hovered one, else the newest. */
  get #index(): number {
    return stepAt(this.#steps, this.#pointedMs ?? this.#steps.untilMs);
  }

  paint(view: View): void {
    const { stats, rangeLabel, zone, filters, stillSince } = view;
    const pair = this.#focus.pair(filters, stats.pairs?.pairs);
    const isSelected = filters.from !== "" && filters.to !== "";
    const isTrades = this.#subject === "trades";
    this.#page.focusOn(isTrades ? undefined : pair);
    const topic: Topic = {
      subject: this.#subject,
      pair: isTrades && !isSelected ? undefined : pair,
      isSelected,
    };
    const shown = isTrades ? stats.trades : focused(stats, pair);
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.#steps = shown ? allSteps(shown, view.nowMs) : NO_STEPS;
    }
    const { error } = stats;
    const inputs = [
      shown,
      topic.subject,
      pair?.from,
      pair?.to,
      isSelected,
      rangeLabel,
      zone,
      error,
      stillSince,
      this.#measureCount,
    ];
    if (isSame([...inputs, this.#pointedMs], this.#painted)) {
      return;
    }
    this.#painted = [...inputs, this.#pointedMs];
    this.#subjects.select(topic.subject);
    // Without a pair there is nothing to ask for.
    const state = figuresState(
      shown ?? (isTrades || pair ? undefined : stats.pairs),
      view,
      noneText(topic, rangeLabel),
    );
    this.#state.paint(state, widening(this.#page.address, state.limit));
    this.#plot.hidden = !shown || shown.series.length === 0;
    this.#write(topic, view);
    this.#draw(topic, view);
  }

  #write(topic: Topic, { rangeLabel, zone }: View): void {
    const isVisible = !this.#plot.hidden;
    const readout = isVisible ? this.#labels.readout(topic, this.#steps, this.#index, zone) : "";
    setText(this.#caption, this.#labels.caption(topic, this.#steps.stepMs));
    this.#caption.title = this.#caption.textContent;
    setText(this.#readout, readout);
    setText(this.#summary, isVisible ? this.#labels.summary(topic, this.#steps, rangeLabel, zone) : "");
    this.#plot.ariaLabel = this.#caption.textContent;
    this.#plot.ariaValueMin = "0";
    this.#plot.ariaValueMax = String(this.#steps.list.length - 1);
    this.#plot.ariaValueNow = String(this.#index);
    this.#plot.ariaValueText = readout;
  }

  #draw({ subject }: Topic, { zone }: View): void {
    const drawn = [this.#shown, subject, zone, this.#measureCount];
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
