/**
 * Sends the same kind of POST over many keep-alive connections, each with one
 * request under way, for a fixed time. A program of its own, so that it does not
 * run in the process that it measures:
 *
 *   node bench/load.ts <plan.json>     prints {"requests", "errors", "ms"}
 */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";

export interface LoadPlan {
  readonly host: string;
  readonly port: number;
  readonly ms: number;
  readonly warmMs: number;
  /** One connection each. `@@SEQ@@` in a body becomes a number of as many digits that rises by one. */
  readonly requests: readonly { readonly head: string; readonly body: string }[];
  /** Requests that are sent on a connection before their answers are awaited. */
  readonly pipelined: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly errors: number;
  readonly ms: number;
}

const SEQ = "@@SEQ@@";
/** Seven digits, like the placeholder, so that the length of a body does not change. */
const FIRST_SEQ = 1_000_000;

if (import.meta.main) {
  const plan = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as LoadPlan;
  process.stdout.write(JSON.stringify(await run(plan)));
  process.exit(0);
}

async function run(plan: LoadPlan): Promise<LoadResult> {
  let counting = false;
  let requests = 0;
  let errors = 0;
  const sockets = plan.requests.map(({ head, body }) => {
    const [before = "", after = ""] = body.split(SEQ);
    let seq = FIRST_SEQ;
    const text = (): string => `${head}${before}${seq++}${after}`;
    return open(plan, text, (ok) => {
      if (!counting) return;
      requests += 1;
      if (!ok) errors += 1;
    });
  });
  await new Promise((resolve) => setTimeout(resolve, plan.warmMs));
  counting = true;
  const begun = performance.now();
  await new Promise((resolve) => setTimeout(resolve, plan.ms));
  counting = false;
  const ms = performance.now() - begun;
  for (const socket of sockets) socket.destroy();
  return { requests, errors, ms };
}

function open(plan: LoadPlan, next: () => string, onAnswer: (ok: boolean) => void): Socket {
  const socket = connect(plan.port, plan.host);
  let held = "";
  socket.setNoDelay(true);
  socket.setEncoding("latin1");
  socket.on("connect", () => {
    for (let request = 0; request < plan.pipelined; request++) socket.write(next());
  });
  socket.on("data", (chunk: string) => {
    held += chunk;
    let answered = 0;
    for (;;) {
      const end = held.indexOf("\r\n\r\n");
      if (end < 0) break;
      const head = held.slice(0, end);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (held.length < end + 4 + length) break;
      held = held.slice(end + 4 + length);
      answered += 1;
      onAnswer(/^HTTP\/1\.1 2/.test(head));
    }
    if (answered > 0) socket.write(Array.from({ length: answered }, next).join(""));
  });
  socket.on("error", () => onAnswer(false));
  return socket;
}
