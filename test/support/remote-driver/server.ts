/**
 * The machine of the remote driver: a process driver behind HTTP, in a process of its own, with directories that nobody
 * else sees. `node server.ts <root>`; says its port on standard output, and ends when its input does.
 */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { createProcessDriver } from "../../../src/adapters/drivers/process/driver.ts";
import { defaultShimCommand } from "../../../src/adapters/drivers/process/shim-program.ts";
import { createWorkspaces } from "../../../src/adapters/workspace/workspaces.ts";
import type { InstanceHandle } from "../../../src/core/model/instance.ts";
import { lookAtAgent } from "../../../src/instance/agent-process.ts";
import { readAgentRecord } from "../../../src/instance/containment.ts";
import type { CollectRequest, CollectSource } from "../../../src/ports/collect.ts";
import type { Driver, StartRequest } from "../../../src/ports/driver.ts";
import { type Answer, asError, type Call, type CollectLine, decode, encode } from "./protocol.ts";

const root = process.argv[2] ?? "";
const INSTALLATION = "remote";

interface Place {
  readonly dataDir: string;
  readonly driver: Driver;
  readonly methods: Readonly<Record<string, (...args: never[]) => unknown>>;
}

const places = new Map<string, Place>();

function placeOf(world: string): Place {
  const known = places.get(world);
  if (known !== undefined) return known;
  const dataDir = join(root, world);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const driver = driverIn(dataDir);
  const place = { dataDir, driver, methods: methodsOf(dataDir, driver) };
  places.set(world, place);
  return place;
}

function driverIn(dataDir: string, shimCommand?: readonly [string, ...string[]]): Driver {
  return createProcessDriver({
    directory: join(dataDir, "instances"),
    hidden: [dataDir],
    installation: INSTALLATION,
    workspaces: createWorkspaces({ driver: "process", directory: join(dataDir, "workspaces") }),
    ...(shimCommand === undefined ? {} : { shimCommand }),
  });
}

/** What the other side may call. A reference to a workspace is resolved here: its place is nobody else's business. */
function methodsOf(dataDir: string, driver: Driver): Place["methods"] {
  const { workspaces } = driver;
  const gates = new Map<string, string>();

  function resolved(request: StartRequest): StartRequest {
    const workspace = workspaces.refOf(request.clone);
    mkdirSync(workspace.place, { recursive: true });
    return { ...request, workspace };
  }

  function recordOf({ clone, epoch }: InstanceHandle) {
    return readAgentRecord(join(dataDir, "instances", clone, String(epoch)));
  }

  function shimOf({ data }: InstanceHandle): number {
    return (data["shim"] as { pid: number }).pid;
  }

  function inWorkspace(clone: string, path: string): string {
    const file = join(workspaces.refOf(clone).place, path);
    mkdirSync(dirname(file), { recursive: true });
    return file;
  }

  return {
    ...(driver as unknown as Place["methods"]),
    start: (request: StartRequest, signal: AbortSignal) => driver.start(resolved(request), signal),
    findOrphans: (signal: AbortSignal) => driver.orphans?.find(signal) ?? [],
    endOrphan: (handle: InstanceHandle, signal: AbortSignal) => driver.orphans?.end(handle, signal),
    materialise: workspaces.materialise,
    archive: workspaces.archive,
    exists: (clone: string, signal: AbortSignal) => workspaces.exists(workspaces.refOf(clone), signal),
    // Violence, and what agents do.
    write: (clone: string, path: string, content: string) => writeFileSync(inWorkspace(clone, path), content),
    link: (clone: string, path: string) => symlinkSync("/etc/passwd", inWorkspace(clone, path)),
    killShim: (handle: InstanceHandle) => process.kill(shimOf(handle), "SIGKILL"),
    killAgent(handle: InstanceHandle) {
      const record = recordOf(handle);
      const pid = record?.init?.pid ?? record?.outer.pid;
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    },
    stopProcess(handle: InstanceHandle, which: "shim" | "agent") {
      const record = recordOf(handle);
      const pid = which === "shim" ? shimOf(handle) : record === null ? 0 : lookAtAgent(record).id.pid;
      if (pid > 1) process.kill(pid, "SIGSTOP");
    },
    async lateStart(request: StartRequest, signal: AbortSignal) {
      // A shell stands in front of the shim and waits for a file.
      const gate = join(dataDir, `gate-${request.nonce}`);
      gates.set(request.nonce, gate);
      const script = `while [ ! -e '${gate}' ]; do sleep 0.02; done; exec "$0" "$@"`;
      const late = driverIn(dataDir, ["sh", "-c", script, ...(await defaultShimCommand())]);
      return late.start(resolved(request), signal);
    },
    release: (nonce: string) => writeFileSync(join(dataDir, `gate-${nonce}`), ""),
  };
}

async function answer({ world, method, args }: Call, signal: AbortSignal): Promise<Answer> {
  try {
    const { methods } = placeOf(world);
    const act = methods[method] as ((...given: unknown[]) => unknown) | undefined;
    if (act === undefined) throw new Error(`there is no method ${method}`);
    return { value: (await act.call(methods, ...args, signal)) ?? null };
  } catch (error) {
    return { error: asError(error) };
  }
}

async function collect({ world, args }: Call, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const say = async (line: CollectLine): Promise<void> => {
    if (response.write(`${JSON.stringify(line)}\n`)) return;
    await new Promise((resolve) => response.once("drain", resolve));
  };
  const { driver } = placeOf(world);
  const [asked, request] = args as [CollectSource, CollectRequest];
  const source = "workspace" in asked ? { workspace: driver.workspaces.refOf(asked.workspace.clone) } : asked;
  try {
    for await (const found of driver.collect(source, request, signal)) {
      if (found.type === "cut") {
        await say(found);
        continue;
      }
      const { content, ...file } = found;
      await say({ ...file, sent: content !== null });
      if (content === null) continue;
      for await (const chunk of content)
        await say({ type: "chunk", base64: Buffer.from(chunk).toString("base64") });
      await say({ type: "end" });
    }
  } catch (error) {
    await say({ type: "failed", error: asError(error) });
  }
  response.end();
}

function take(request: IncomingMessage, response: ServerResponse): void {
  const gone = new AbortController();
  response.on("close", () => gone.abort(new Error("the other side has gone")));
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const call = decode(Buffer.concat(chunks).toString("utf8")) as Call;
    if (call.method === "collect") void collect(call, response, gone.signal);
    else void answer(call, gone.signal).then((said) => response.end(encode(said)));
  });
}

const server = createServer(take);
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" ? address?.port : 0}\n`);
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
