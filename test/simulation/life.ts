/**
 * One controller's life. What it asks of the world goes through here, so that
 * it can die between any two steps: from then on nothing that it asked for is answered, and
 * nothing that it asks for happens.
 */
export interface Life {
  readonly alive: boolean;
  readonly frozen: boolean;
  /** Dies when it asks for this many more things, before or after the last one happened. */
  dieAfter(calls: number, when: "before" | "after"): void;
  kill(): void;
  /** Stops it where it is, as SIGSTOP does: nothing that it waits for goes on, and nobody is answered, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Resolves when it goes on, at once if it does. */
  thawed(): Promise<void>;
  /** The same port, as this controller sees it. Answers that are no promises pass; a dead one's questions hang for ever. */
  seen<T extends object>(port: T): T;
  /** What it offers, as others reach it: requests wait at the socket while it is frozen. */
  offered<T extends object>(port: T): T;
}

export function createLife(onDeath: (how: string) => void): Life {
  let alive = true;
  let frozen = false;
  let held: (() => void)[] = [];
  let fuse: { calls: number; readonly when: "before" | "after" } | null = null;

  function die(how: string): void {
    if (!alive) return;
    alive = false;
    held = [];
    onDeath(how);
  }

  /** Whether this call is the one. */
  function burns(when: "before" | "after"): boolean {
    if (fuse === null || fuse.when !== when) return false;
    fuse.calls -= 1;
    return fuse.calls <= 0;
  }

  function goesOn(): boolean {
    return alive && !frozen;
  }

  /** Never for a dead one. */
  function whenGoingOn<T>(answer: () => T): Promise<T> {
    return new Promise((resolve) => {
      if (alive) held.push(() => resolve(answer()));
    });
  }

  function thawed(): Promise<void> {
    return frozen ? new Promise((resolve) => held.push(resolve)) : Promise.resolve();
  }

  function wrap(name: string, method: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
    if (SYNCHRONOUS.has(name)) return method;
    return (...args) => {
      if (!alive) return NEVER();
      if (burns("before")) {
        die(`before ${name}`);
        return NEVER();
      }
      const answer = method(...args);
      if (!(answer instanceof Promise)) return answer;
      const last = burns("after");
      return answer.then(
        (value) => {
          if (last) die(`after ${name}`);
          return goesOn() ? value : whenGoingOn(() => value);
        },
        (error: unknown) => {
          if (last) die(`after ${name} failed`);
          if (goesOn()) throw error;
          return whenGoingOn(() => Promise.reject(error));
        },
      );
    };
  }

  function offered<T extends object>(port: T): T {
    const inside = new WeakMap<object, object>();
    return new Proxy(port, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value === "object" && value !== null) {
          const known = inside.get(value) ?? offered(value);
          inside.set(value, known);
          return known;
        }
        if (!frozen || typeof value !== "function" || ANSWERED_AT_ONCE.has(String(key))) return value;
        return (...args: unknown[]) => thawed().then(() => Reflect.apply(value, target, args));
      },
    });
  }

  return {
    get alive() {
      return alive;
    },
    get frozen() {
      return frozen;
    },
    dieAfter(calls, when) {
      fuse = { calls, when };
    },
    kill: () => die("killed"),
    freeze() {
      frozen = true;
    },
    thaw() {
      frozen = false;
      const due = held;
      held = [];
      for (const work of due) work();
    },
    thawed,
    offered,
    seen<T extends object>(port: T): T {
      // Wrapped once, and without a trap in between: ports are asked a thousand times a minute.
      const wrapped = {} as T;
      for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(port))) {
        const { value }: PropertyDescriptor = property;
        if (typeof value === "function") wrapped[key as keyof T] = wrap(key, value.bind(port)) as T[keyof T];
        else Object.defineProperty(wrapped, key, property);
      }
      return wrapped;
    },
  };
}

/** Questions that take no time: the clock, a path, a line of the log. */
const SYNCHRONOUS: ReadonlySet<string> = new Set([
  "now",
  "monotonic",
  "pathOf",
  "debug",
  "info",
  "warn",
  "error",
]);

/** Of what it offers, what is asked by witnesses or takes no time. */
const ANSWERED_AT_ONCE: ReadonlySet<string> = new Set([
  "authenticate",
  "fleet",
  "why",
  "mission",
  "clone",
  "inbox",
  "killSwitch",
  "guardrails",
  // Their file, which the shims read by themselves, is changed whether or not the controller comes to it.
  "engageKillSwitch",
  "releaseKillSwitch",
]);

function NEVER(): Promise<never> {
  return new Promise(() => {});
}
