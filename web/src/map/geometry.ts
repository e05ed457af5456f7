/** Sizes and positions of the circles, and which one a pointer or an arrow key leads to. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The world's placement in its container: scaled, then translated. */
export interface Fit extends Point {
  readonly scale: number;
}

export interface Dot extends Point {
  readonly country: string;
  readonly radius: number;
}

/** Arrow keys and their directions. The y axis points down. */
const DIRECTIONS: ReadonlyMap<string, Point> = new Map([
  ["ArrowRight", { x: 1, y: 0 }],
  ["ArrowLeft", { x: -1, y: 0 }],
  ["ArrowDown", { x: 0, y: 1 }],
  ["ArrowUp", { x: 0, y: -1 }],
]);

/** Circles are small, so a pointer this many pixels outside still hits them. */
const POINTER_REACH = 10;
/** The circle of a single trade among millions stays visible. */
const RADIUS_MIN = 1.5;

/** Space for circles that reach beyond the world's frame. */
const MARGIN = 6;

/** The part of the world's frame that is shown, at least. */
export interface Box extends Point, Size {}

/** Less of the world's width would show a country or two, without any others to tell where they are. */
const SHARE_MIN = 0.3;
/** Space around the outermost places, as a share of the box. */
const BOX_MARGIN = 0.0625;

/** The part of the world with these places. Without any, all of it. */
export function boxOf(places: readonly Point[], world: Size): Box {
  if (places.length === 0) {
    return { x: 0, y: 0, ...world };
  }
  const [xs, ys] = [places.map(({ x }) => x), places.map(({ y }) => y)];
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const width = Math.max(right - left, world.width * SHARE_MIN) * (1 + 2 * BOX_MARGIN);
  const height = Math.max(bottom - top, world.height * SHARE_MIN) * (1 + 2 * BOX_MARGIN);
  return { x: (left + right - width) / 2, y: (top + bottom - height) / 2, width, height };
}

/** Scales a part of the world to fit, and centres it. */
export function fitInto(box: Box, size: Size): Fit {
  const scale = Math.min((size.width - 2 * MARGIN) / box.width, (size.height - 2 * MARGIN) / box.height);
  return {
    scale,
    x: (size.width - box.width * scale) / 2 - box.x * scale,
    y: (size.height - box.height * scale) / 2 - box.y * scale,
  };
}

/** The radius of the largest circle: large enough to compare, small enough to keep Europe's circles apart. */
export function radiusMax({ scale }: Fit): number {
  return Math.min(Math.max(scale * 34, 12), 24);
}

/** The radius of a circle whose area is proportional to `count`, if `max` gives the largest one. */
export function radius(count: number, max: number, largest: number): number {
  return count > 0 ? Math.max(largest * Math.sqrt(count / max), RADIUS_MIN) : 0;
}

/** The next lower round number (1, 2 or 5 times a power of ten), for the legend. */
export function roundBelow(count: number): number {
  const power = 10 ** Math.floor(Math.log10(count));
  return ([5, 2].find((step) => step * power <= count) ?? 1) * power;
}

/** The circle that a pointer hits. Of several, the smallest. */
export function circleAt(dots: Iterable<Dot>, at: Point): Dot | undefined {
  let best: Dot | undefined;
  let bestOff = POINTER_REACH;
  for (const dot of dots) {
    const off = Math.max(distance(dot, at) - dot.radius, 0);
    if (off < bestOff || (best && off === bestOff && dot.radius < best.radius)) {
      best = dot;
      bestOff = off;
    }
  }
  return best;
}

/** The next circle in an arrow key's direction; undefined for other keys and at the edge. */
export function circleTowards(dots: Iterable<Dot>, from: Point, key: string): Dot | undefined {
  const direction = DIRECTIONS.get(key);
  if (!direction) {
    return;
  }
  let best: Dot | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const dot of dots) {
    const ahead = (dot.x - from.x) * direction.x + (dot.y - from.y) * direction.y;
    const aside = Math.abs((dot.x - from.x) * direction.y) + Math.abs((dot.y - from.y) * direction.x);
    // Prefers circles straight ahead: sideways distance counts double, and more than 45° off is excluded.
    const cost = ahead + 2 * aside;
    if (ahead > 0 && aside <= ahead && cost < bestCost) {
      best = dot;
      bestCost = cost;
    }
  }
  return best;
}

function distance(one: Point, other: Point): number {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
