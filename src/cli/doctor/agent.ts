/** Starts a real agent as a clone would be started, in the containment of this machine, against a model that is built in. */
import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../adapters/system/clock.ts";
import type { MissionEnvelope } from "../../api/envelope.ts";
import type { WireEvent } from "../../api/event.ts";
import type { InstanceHandle } from "../../core/model/instance.ts";
import { MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import { driverNamed, openDrivers } from "../../drivers.ts";
import type { Driver, StopLadder } from "../../ports/driver.ts";
import { AGENT_RECIPES, type AgentName, type AgentRecipe } from "../scaffold/agents.ts";
import { type FakeModel, startFakeModel } from "./fake-model/fake-model.ts";
import { mcpCall, type Reply, shellCall, type Turn } from "./fake-model/turn.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

/** Some unpack themselves at their first start. */
const TRIAL_MS_MAX = 3 * MINUTE_MS;
const LOOK_MS = 200;
const TAIL_BYTES = 2_000;
const WROTE = "doctor.txt";
const CLONE = "doctor";
const MISSION = "m_doctor";
const NOW: StopLadder = { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10 * SECOND_MS };

export async function checkAgent(name: AgentName): Promise<readonly Finding[]> {
  const recipe = AGENT_RECIPES[name];
  const program = whereIs(recipe.program);
  if (program === null)
    return [
      fail(
        name,
        `there is no program named ${recipe.program} in PATH`,
        `\`npm install -g ${recipe.package}\`, and start the controller with the same PATH`,
      ),
    ];
  const model = await startFakeModel(play);
  try {
    const seen = await trial(recipe, model.url);
    return [
      ok(name, `${program}; its recipe was tried with ${recipe.package}`),
      ...findingsOf(name, seen, model),
    ];
  } finally {
    await model.close();
  }
}

/** What a trial has shown. */
interface Seen {
  readonly containment: string;
  /** Its last words, oldest first. */
  readonly events: readonly WireEvent[];
  readonly wrote: boolean;
  readonly tail: string;
}

function findingsOf(name: string, { containment, events, wrote, tail }: Seen, model: FakeModel): Finding[] {
  const of = (type: string): WireEvent | undefined => events.find(({ event_type }) => event_type === type);
  const calls = model.asked.filter(({ turn }) => turn !== null);
  const exited = of("instance.exited");
  const end = of("mission.completed") ?? of("mission.failed") ?? exited;
  const why = `${end?.summary ?? `nothing came of it within ${TRIAL_MS_MAX / MINUTE_MS} minutes`}. The end of its transcript: ${tail}`;
  if (calls.length === 0)
    return [
      fail(
        "model",
        `it asked no model. ${why}`,
        "see that this version takes the settings of its recipe: `factory new clone --agent` writes them",
      ),
    ];
  const counted = exited?.usage.llm_calls ?? null;
  const handedIn = of("mission.artifact") !== undefined;
  return [
    counted === calls.length
      ? ok("model", `${counted} calls passed the gateway, and each was counted`)
      : fail(
          "model",
          `${calls.length} calls reached the model, and ${counted} were counted`,
          "report this: its budget would not hold",
        ),
    wrote
      ? ok("shell", `its own tool ran a command in ${containment}`)
      : fail(
          "shell",
          `its shell did not write into its workspace. ${why}`,
          "see what its transcript says of its tools",
        ),
    handedIn
      ? ok("tools", "it found the tools of Factory and handed in a file with them")
      : warn(
          "tools",
          "it was not offered the tools of Factory: it cannot ask, and what needs an approval it cannot do",
          name === "pi"
            ? "pi has no MCP: nothing is to be done"
            : "see what its transcript says of the MCP server `factory`",
        ),
    of("mission.completed") === undefined
      ? fail("result", why, "see that its output is what `agent.output` of its recipe says")
      : ok("result", "its own result was understood"),
  ];
}

/** Writes a file with the agent's shell, hands it in, and is done. */
function play({ tools, results }: Turn): Reply {
  const text: Reply = { type: "text", text: "The file is written." };
  if (tools.length === 0) return text;
  if (results.length === 0) return shellCall(tools, `echo written > ${WROTE}`) ?? text;
  return results.length === 1 ? (mcpCall(tools, "submit_artifact", { path: WROTE }) ?? text) : text;
}

async function trial(recipe: AgentRecipe, upstream: string): Promise<Seen> {
  const dataDir = await mkdtemp(join(tmpdir(), "factory-doctor-"));
  const callback = await startCallback(join(dataDir, "callback.sock"));
  const driver = driverNamed(openDrivers({ dataDir, installation: CLONE }), "process");
  const signal = AbortSignal.timeout(TRIAL_MS_MAX);
  let handle: InstanceHandle | null = null;
  try {
    const { containment } = await driver.capabilities(signal);
    const workspace = driver.workspaces.refOf(CLONE);
    await mkdir(workspace.place, { recursive: true });
    const nonce = randomBytes(16).toString("hex");
    handle = await driver.start(
      {
        clone: CLONE,
        epoch: 1,
        nonce,
        workspace,
        agent: {
          adapter: "command",
          command: recipe.command,
          env: recipe.env,
          accept: "on_start",
          stdin: "none",
          output: recipe.output,
          model: { api: recipe.api, key: recipe.key, upstream },
        },
        healthChecks: [],
        orphanPolicy: { action: "terminate", afterMs: TRIAL_MS_MAX },
        isolation: containment,
        network: "none",
        token: randomBytes(16).toString("hex"),
        secrets: new Map([[recipe.key, `sk-doctor-${randomBytes(24).toString("hex")}`]]),
        callbackUrl: callback.url,
        heartbeatIntervalMs: 5 * SECOND_MS,
      },
      signal,
    );
    await untilTold(driver, handle, { type: "instance.ready", signal });
    await driver.dispatch(handle, envelopeOf(nonce, callback.url), signal);
    const events = await untilTold(driver, handle, { type: "instance.exited", signal });
    const tail = await driver.transcript(handle, TAIL_BYTES, AbortSignal.timeout(10 * SECOND_MS));
    return { containment, events, wrote: existsSync(join(workspace.place, WROTE)), tail: tail.trim() };
  } finally {
    if (handle !== null) await end(driver, handle);
    await callback.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** What its shim has told until it told this, or until nobody waits any more. */
async function untilTold(
  driver: Driver,
  handle: InstanceHandle,
  { type, signal }: { readonly type: WireEvent["event_type"]; readonly signal: AbortSignal },
): Promise<readonly WireEvent[]> {
  for (;;) {
    const events = await driver.pullOutbox(handle, 0, AbortSignal.timeout(10 * SECOND_MS));
    if (signal.aborted || events.some(({ event_type }) => event_type === type)) return events;
    await sleep(LOOK_MS);
  }
}

async function end(driver: Driver, handle: InstanceHandle): Promise<void> {
  const signal = AbortSignal.timeout(30 * SECOND_MS);
  await driver.stop(handle, NOW, signal);
  await driver.reap(handle, signal);
}

/** Whoever calls back is answered that it is well: what it said is read from its outbox. */
async function startCallback(path: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(request.method === "GET" ? 204 : 200).end());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return {
    url: `unix:${path}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function envelopeOf(nonce: string, callbackUrl: string): MissionEnvelope {
  return {
    mission_id: MISSION,
    vp_id: CLONE,
    vp_session_id: `${CLONE}/1`,
    vp_runtime_id: nonce,
    source_instance_id: CLONE,
    target_instance_id: `${CLONE}/1`,
    mission_type: "custom",
    objective: `Write a line into ${WROTE}.`,
    constraints: { allowed_tools: [], forbidden_tools: [], approval_required: [] },
    budget: { max_runtime_minutes: TRIAL_MS_MAX / MINUTE_MS, max_llm_calls: null, max_cost_usd: null },
    autonomy_window: { start_at: null, end_at: null },
    heartbeat_interval_seconds: 5,
    report_cadence: "milestone",
    success_criteria: [{ id: "written", text: `${WROTE} is there` }],
    artifact_policy: { required_outputs: [{ path: WROTE }], storage_scope: "factory" },
    callback: { status_url: callbackUrl, auth_mode: "bearer", auth_ref: "instance" },
    idempotency_key: MISSION,
    trace_id: randomBytes(16).toString("hex"),
    created_at: new Date(systemClock().now()).toISOString(),
  };
}

function whereIs(program: string): string | null {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next one.
    }
  }
  return null;
}
