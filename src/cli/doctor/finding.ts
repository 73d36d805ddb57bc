export interface Finding {
  readonly name: string;
  readonly state: "ok" | "warn" | "fail";
  readonly message: string;
  /** What to do; null where nothing needs doing. */
  readonly next: string | null;
}

/** One or more findings about one thing. */
export type Check = () => Promise<readonly Finding[]>;

export function ok(name: string, message: string): Finding {
  return { name, state: "ok", message, next: null };
}

export function warn(name: string, message: string, next: string): Finding {
  return { name, state: "warn", message, next };
}

export function fail(name: string, message: string, next: string): Finding {
  return { name, state: "fail", message, next };
}
