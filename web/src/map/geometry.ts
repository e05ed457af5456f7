/** How circles lie on the map: sizes, and which one is meant. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How the world lies in its room: enlarged, then moved. */
export interface Fit extends Point {
  readonly scale: number;
}

export interface Dot extends Point {
  readonly country: string;
  readonly radius: number;
}

/** Keys that go from one circle to the next, and where to (y points down). */
const DIRECTIONS: ReadonlyMap<string, Point> = new Map([
  ["ArrowRight", { x: 1, y: 0 }],
  ["ArrowLeft", { x: -1, y: 0 }],
  ["ArrowDown", { x: 0, y: 1 }],
  ["ArrowUp", { x: 0, y: -1 }],
]);

/** Circles are small: a pointer this many pixels off still means them. */
const REACH = 10;
/** A single trade among millions is a dot, not nothing. */
const RADIUS_MIN = 1.5;

/** What circles at the edge take beyond the world's frame. */
const MARGIN = 6;

/** As large as fits, in the middle. */
export function fitInto(world: Size, room: Size): Fit {
  const scale = Math.min((room.width - 2 * MARGIN) / world.width, (room.height - 2 * MARGIN) / world.height);
  return {
    scale,
    x: (room.width - world.width * scale) / 2,
    y: (room.height - world.height * scale) / 2,
  };
}

/** The largest circle in a room: large enough to compare with, small enough to leave Europe apart. */
export function radiusMax({ scale }: Fit): number {
  return Math.min(Math.max(scale * 34, 12), 24);
}

/** The radius of a circle whose area is to `count` as that of the largest one is to `most`. */
export function radius(count: number, most: number, largest: number): number {
  return count > 0 ? Math.max(largest * Math.sqrt(count / most), RADIUS_MIN) : 0;
}

/** The round number (1, 2 or 5 and noughts) next below: what the legend's circle stands for. */
export function roundBelow(count: number): number {
  const power = 10 ** Math.floor(Math.log10(count));
  return ([5, 2].find((step) => step * power <= count) ?? 1) * power;
}

/** The circle that a pointer means: the one it is in or next to, and of several the smallest. */
export function meant(dots: Iterable<Dot>, at: Point): Dot | undefined {
  let best: Dot | undefined;
  let bestOff = REACH;
  for (const dot of dots) {
    const off = Math.max(distance(dot, at) - dot.radius, 0);
    if (off < bestOff || (best && off === bestOff && dot.radius < best.radius)) {
      best = dot;
      bestOff = off;
    }
  }
  return best;
}

/** The next circle in an arrow key's direction; undefined for other keys, and at the edge. */
export function towards(dots: Iterable<Dot>, from: Point, key: string): Dot | undefined {
  const direction = DIRECTIONS.get(key);
  if (!direction) {
    return;
  }
  let best: Dot | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const dot of dots) {
    const ahead = (dot.x - from.x) * direction.x + (dot.y - from.y) * direction.y;
    const aside = Math.abs((dot.x - from.x) * direction.y) + Math.abs((dot.y - from.y) * direction.x);
    // What lies ahead comes first: sideways counts double, and nothing beyond a right angle in all.
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
