/**
 * The value itself, which nobody can change any more, nor anything inside it: who tries gets a TypeError. What was
 * frozen before is frozen all through, so a value that shares most of its parts with another one costs only what is new.
 */
export function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inside of Object.values(value)) {
    if (typeof inside === "object" && inside !== null && !Object.isFrozen(inside)) frozen(inside);
  }
  return Object.freeze(value);
}
