/** What a process holds once its garbage is collected: asked of Node's inspector, which SIGUSR1 opens in any Node. */
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { until } from "../support/until.ts";

const INSPECTOR = "http://127.0.0.1:9229/json/list";
const CLOSE = 'process.getBuiltinModule("node:inspector").close()';
const MEASURE = "JSON.stringify(process.memoryUsage())";

/** Of this process. */
export function ownMemory(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Of another Node, whose inspector nobody else uses meanwhile. Resident bytes where the port is not its own. */
export async function memoryOf(pid: number): Promise<number> {
  process.kill(pid, "SIGUSR1");
  try {
    const url = await until(debuggerNow, "the inspector");
    const ask = await connectTo(url);
    // Another Node may have the port.
    if (
      ((await ask("Runtime.evaluate", { expression: "process.pid" })) as { result: { value: number } }).result
        .value !== pid
    )
      return residentBytes(pid);
    await ask("HeapProfiler.collectGarbage");
    const answer = (await ask("Runtime.evaluate", { expression: MEASURE })) as { result: { value: string } };
    // It does not answer any more.
    void ask("Runtime.evaluate", { expression: CLOSE, includeCommandLineAPI: true }).catch(() => {});
    const { heapUsed, external } = JSON.parse(answer.result.value) as NodeJS.MemoryUsage;
    return heapUsed + external;
  } catch {
    return residentBytes(pid);
  }
}

export function residentBytes(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  return Number(kib ?? "0") * 1024;
}

async function debuggerNow(): Promise<string | null> {
  try {
    const [first] = (await (await fetch(INSPECTOR)).json()) as { webSocketDebuggerUrl: string }[];
    return first?.webSocketDebuggerUrl ?? null;
  } catch {
    return null; // Not open yet.
  }
}

type Ask = (method: string, params?: object) => Promise<unknown>;

function connectTo(url: string): Promise<Ask> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const waiting = new Map<number, (result: unknown) => void>();
    let ids = 0;
    socket.addEventListener("error", () => reject(new Error(`no inspector at ${url}`)));
    socket.addEventListener("message", ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
      if (id !== undefined) waiting.get(id)?.(result);
    });
    socket.addEventListener("open", () =>
      resolve(
        (method, params = {}) =>
          new Promise((answer) => {
            ids += 1;
            waiting.set(ids, answer);
            socket.send(JSON.stringify({ id: ids, method, params }));
          }),
      ),
    );
  });
}
