/**
 * What has to come about, and the time that it may take. The time runs only while a controller is there that looks at its
 * clones: one that is down, stands still or cannot write is held to nothing, and has to make up for it when it can again.
 */

/** With one look it may have been decided, with the next one written; the third one finds it done. */
const LOOKS_MIN = 3;

interface Due<What> {
  readonly what: What;
  sinceMs: number;
  looks: number;
}

export interface Dues<What> {
  /** It is owed from now on, unless it is already. */
  owe(key: string, what: What, elapsedMs: number): void;
  /** It has come about, or is not owed any longer. */
  settle(key: string): void;
  /** Everything that is owed and does not begin with this. */
  keep(keys: ReadonlySet<string>): void;
  /** A controller has looked; what it still owes after so many looks and so long. Each is answered once. */
  looked(elapsedMs: number): readonly What[];
  /** All time begins anew: the controller is another one, or its clock was set. */
  beginAnew(elapsedMs: number): void;
}

export function createDues<What>(withinMs: number): Dues<What> {
  const open = new Map<string, Due<What>>();
  return {
    owe(key, what, elapsedMs) {
      if (!open.has(key)) open.set(key, { what, sinceMs: elapsedMs, looks: 0 });
    },
    settle: (key) => void open.delete(key),
    keep(keys) {
      for (const key of open.keys()) if (!keys.has(key)) open.delete(key);
    },
    looked(elapsedMs) {
      const late: What[] = [];
      for (const [key, due] of open) {
        due.looks += 1;
        if (due.looks < LOOKS_MIN || elapsedMs - due.sinceMs < withinMs) continue;
        open.delete(key);
        late.push(due.what);
      }
      return late;
    },
    beginAnew(elapsedMs) {
      for (const due of open.values()) {
        due.sinceMs = elapsedMs;
        due.looks = 0;
      }
    },
  };
}
