/** The part of a heartbeat that orders it among those of its clone. */
export interface SignalOrder {
  readonly epoch: number;
  readonly seq: number;
}

/** Whether `next` replaces `stored`: a higher epoch, or the same epoch and a higher seq. A repeat is not newer. */
export function isNewerSignal(next: SignalOrder, stored: SignalOrder): boolean {
  return next.epoch > stored.epoch || (next.epoch === stored.epoch && next.seq > stored.seq);
}

/**
 * Orders effect ids (`<clone>/<version>/<index>`) by clone, then in the order
 * in which they were asked for: numbers compare as numbers, so that version 10
 * comes after version 9.
 */
export function compareEffectIds(a: string, b: string): number {
  const left = a.split("/");
  const right = b.split("/");
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const order = compareParts(left[index] ?? "", right[index] ?? "");
    if (order !== 0) return order;
  }
  return 0;
}

function compareParts(a: string, b: string): number {
  if (a === b) return 0;
  if (DIGITS.test(a) && DIGITS.test(b)) return Number(a) - Number(b) || (a < b ? -1 : 1);
  return a < b ? -1 : 1;
}

const DIGITS = /^\d+$/;
