/** The panel of currency pairs, as a ranking or as a matrix. A click on a pair filters. */

import { widening } from "../filters/widen.ts";
import type { Page, Panel, View } from "../page.ts";
import { figuresState } from "../server/figures-state.ts";
import type { PairStats } from "../server/stats.ts";
import type { Pair } from "../server/stats-poller.ts";
import { byId, element, setText } from "../ui/dom.ts";
import { loadSetting, saveSetting } from "../ui/local-storage.ts";
import { hintOverflow } from "../ui/overflow-hint.ts";
import { PanelState } from "../ui/panel-state.ts";
import { RadioGroup } from "../ui/radio-group.ts";
import { Amounts } from "./amounts.ts";
import { toMatrix } from "./matrix.ts";
import { MatrixTable } from "./matrix-table.ts";
import { formatOrder, nextOrder, parseOrder } from "./ranking.ts";
import { RankingTable, ROWS_MAX } from "./ranking-table.ts";

const KEY = "pairs";
const ORDER_KEY = "pairs.order";
const NO_PAIRS: readonly PairStats[] = [];

type Mode = "ranking" | "matrix";

export class Pairs implements Panel {
  readonly #page: Page;
  readonly #state: PanelState;
  readonly #ranking: RankingTable;
  readonly #matrix: MatrixTable;
  readonly #more = element("p", "remark");
  readonly #modes: RadioGroup<Mode>;
  #mode: Mode = loadSetting(KEY) === "matrix" ? "matrix" : "ranking";
  #order = parseOrder(loadSetting(ORDER_KEY));
  #painted: readonly unknown[] = [];

  constructor(place: HTMLElement, page: Page) {
    this.#page = page;
    const amounts = new Amounts();
    const pick = (pair: Pair): void => page.address.toggleFilters({ ...pair });
    const sort: ConstructorParameters<typeof RankingTable>[1]["sort"] = (column) => {
      this.#order = nextOrder(this.#order, column);
      saveSetting(ORDER_KEY, formatOrder(this.#order));
      page.repaint();
    };
    this.#ranking = new RankingTable(amounts, { sort, pick });
    this.#matrix = new MatrixTable(amounts, pick);
    place.append(this.#ranking.element, this.#matrix.element, this.#more);
    this.#state = new PanelState(place);
    hintOverflow(place, this.#ranking.element);
    hintOverflow(place, this.#matrix.element);
    this.#modes = new RadioGroup("View of pairs", { ranking: "Ranking", matrix: "Matrix" }, (mode) => {
      this.#mode = mode;
      saveSetting(KEY, mode);
      page.repaint();
    });
    byId("pairs-tools", HTMLElement).append(this.#modes.element);
  }

  paint(view: View): void {
    const { stats, filters, rangeLabel, stillSince } = view;
    const { pairs, error } = stats;
    const selected = { from: filters.from, to: filters.to };
    const inputs = [
      pairs,
      error,
      selected.from,
      selected.to,
      this.#mode,
      this.#order,
      rangeLabel,
      stillSince,
    ];
    if (inputs.every((value, index) => value === this.#painted[index])) {
      return;
    }
    this.#painted = inputs;
    this.#modes.select(this.#mode);
    const list = pairs?.pairs ?? NO_PAIRS;
    const beyond = pairs?.morePairs ?? 0;
    const state = figuresState(pairs, view);
    this.#state.paint(state, widening(this.#page.address, state.limit));
    this.#ranking.element.hidden = list.length === 0 || this.#mode !== "ranking";
    this.#matrix.element.hidden = list.length === 0 || this.#mode !== "matrix";
    if (this.#mode === "matrix") {
      const matrix = toMatrix(list);
      this.#matrix.paint(matrix, selected);
      setText(this.#more, more(matrix.omitted + beyond));
    } else {
      this.#ranking.paint(list, this.#order, selected);
      setText(this.#more, more(Math.max(0, list.length - ROWS_MAX) + beyond));
    }
  }
}

function more(omitted: number): string {
  return omitted > 0 ? `Pairs not shown: ${omitted}.` : "";
}
