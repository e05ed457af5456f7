/** Which currencies are traded for which: as a ranking, or as a matrix. A click filters. */

import type { Page, Panel, View } from "../page.ts";
import type { PairFigures } from "../server/stats.ts";
import { type Pair, type Statistics, withoutFigures } from "../server/stats-poller.ts";
import { byId, element, setText } from "../ui/dom.ts";
import { remember, remembered } from "../ui/local-storage.ts";
import { Choice } from "../ui/radio-group.ts";
import { Amounts } from "./amounts.ts";
import { gridOf } from "./matrix.ts";
import { MatrixTable } from "./matrix-table.ts";
import { ordered, orderText, parseOrder } from "./ranking.ts";
import { RankingTable, ROWS_MAX } from "./ranking-table.ts";

const KEY = "pairs";
const ORDER_KEY = "pairs.order";
const NO_PAIRS: readonly PairFigures[] = [];

type Look = "ranking" | "matrix";

export class Pairs implements Panel {
  readonly #remark = element("p", "remark");
  readonly #ranking: RankingTable;
  readonly #matrix: MatrixTable;
  readonly #more = element("p", "remark");
  readonly #looks: Choice<Look>;
  #look: Look = remembered(KEY) === "matrix" ? "matrix" : "ranking";
  #order = parseOrder(remembered(ORDER_KEY));
  #painted: readonly unknown[] = [];

  constructor(place: HTMLElement, page: Page) {
    const amounts = new Amounts();
    const pick = (pair: Pair): void => page.address.toggle({ ...pair });
    const sort: ConstructorParameters<typeof RankingTable>[1]["sort"] = (column) => {
      this.#order = ordered(this.#order, column);
      remember(ORDER_KEY, orderText(this.#order));
      page.repaint();
    };
    this.#ranking = new RankingTable(amounts, { sort, pick });
    this.#matrix = new MatrixTable(amounts, pick);
    place.append(this.#remark, this.#ranking.element, this.#matrix.element, this.#more);
    this.#looks = new Choice("How pairs are shown", { ranking: "Ranking", matrix: "Matrix" }, (look) => {
      this.#look = look;
      remember(KEY, look);
      page.repaint();
    });
    byId("pairs-tools", HTMLElement).append(this.#looks.element);
  }

  paint({ statistics, filters }: View): void {
    const { pairs, trouble } = statistics;
    const chosen = { from: filters.from, to: filters.to };
    const shows = [pairs, trouble, chosen.from, chosen.to, this.#look, this.#order];
    if (shows.every((value, index) => value === this.#painted[index])) {
      return;
    }
    this.#painted = shows;
    this.#looks.show(this.#look);
    const list = fitting(pairs?.pairs ?? NO_PAIRS, chosen);
    const beyond = pairs?.morePairs ?? 0;
    setText(this.#remark, remark(statistics, list));
    this.#ranking.element.hidden = list.length === 0 || this.#look !== "ranking";
    this.#matrix.element.hidden = list.length === 0 || this.#look !== "matrix";
    if (this.#look === "matrix") {
      const grid = gridOf(list);
      this.#matrix.paint(grid, chosen);
      setText(this.#more, more(grid.left + beyond));
    } else {
      this.#ranking.paint(list, this.#order, chosen);
      setText(this.#more, more(Math.max(0, list.length - ROWS_MAX) + beyond));
    }
  }
}

/** Where one side alone is filtered, the pairs with that side; a whole pair is picked from all of them. */
export function fitting(pairs: readonly PairFigures[], { from, to }: Pair): readonly PairFigures[] {
  const isWhole = (from === "") === (to === "");
  return isWhole ? pairs : pairs.filter((pair) => pair.from === from || pair.to === to);
}

/** What there is to say instead of pairs, or about them. */
function remark(statistics: Statistics, list: readonly PairFigures[]): string {
  if (!statistics.pairs) {
    return withoutFigures(statistics);
  }
  return list.length > 0 ? "" : "No pair was traded in this stretch of time.";
}

function more(left: number): string {
  return left > 0 ? `There are ${left} more pairs that are not shown.` : "";
}
