/** The gateway of a session: what it lets through, who pays, and how its agents are led to it. */
import { dirname } from "node:path";
import { type AgentModel, type AgentSpec, MODEL_URL_PLACE } from "../../core/model/clone.ts";
import { type Intent, readFence } from "../../instance/claim.ts";
import type { LaunchSettings } from "../../instance/launch-settings.ts";
import { modelSocket } from "../../instance/tools-link.ts";
import { giveFile } from "../agents/ownership.ts";
import { factoryFolder } from "../agents/spawn.ts";
import { createGateway, type Gateway, newVirtualKey, type Obstacle } from "../metering/gateway.ts";
import { MODEL_API } from "../metering/model-api.ts";
import type { Clocks } from "./clocks.ts";
import type { Heart } from "./heartbeat.ts";
import type { Life } from "./life.ts";
import type { LimitWatch } from "./limit-watch.ts";
import type { Pauses } from "./pauses.ts";

/** How agents of a session are led to its gateway; it depends on nothing that happens. */
export interface DoorPlan {
  readonly model: AgentModel;
  readonly socket: string;
  /** Good for this gateway alone. */
  readonly virtualKey: string;
  /** What the agent finds in the place of the real key, and its program behind the door. */
  led(program: Led): Led;
}

interface Led {
  readonly agent: AgentSpec;
  readonly secrets: Readonly<Record<string, string>>;
}

/** Null: its agent calls its model by itself, or has none. */
export function planDoor(
  { agent: { model } }: Pick<LaunchSettings, "agent">,
  { intent, doorProgram }: { readonly intent: Intent; readonly doorProgram: string },
): DoorPlan | null {
  if (model === undefined) return null;
  const socket = modelSocket(factoryFolder(intent.workspace), intent.nonce);
  const virtualKey = newVirtualKey();
  const variables = Object.entries(MODEL_API[model.api].environment(ADDRESS));
  return {
    model,
    socket,
    virtualKey,
    led: ({ agent, secrets }) => {
      // The door knows its port, and so fills in whatever leads there: variables by their name, arguments by their number.
      const filled = [...variables, ...placesOf(agent.env), ...placesOf(agent.command)];
      const door = [
        process.execPath,
        doorProgram,
        socket,
        ...filled.map((one) => one.join("=")),
        "--",
      ] as const;
      return {
        agent: { ...agent, command: [...door, ...agent.command] },
        secrets: { ...secrets, [model.key]: virtualKey },
      };
    },
  };
}

const ADDRESS = "http://127.0.0.1:{port}";

function placesOf(values: Readonly<Record<string, string>> | readonly string[]): readonly [string, string][] {
  return Object.entries(values)
    .filter(([, value]) => value.includes(MODEL_URL_PLACE))
    .map(([name, value]) => [name, value.replaceAll(MODEL_URL_PLACE, ADDRESS)]);
}

/** What is spent is told this soon: limits are kept by it. */
const SPENDING_MS = 1_000;

export function createModelDoor(
  plan: DoorPlan | null,
  parts: {
    readonly life: Life;
    readonly clocks: Clocks;
    readonly pauses: Pauses;
    readonly transcript: { note(text: string): void };
    readonly limits: LimitWatch;
    readonly heart: Pick<Heart, "beatSoon">;
  },
): Gateway | null {
  if (plan === null) return null;
  const { life, clocks, pauses, transcript, limits, heart } = parts;
  const { intent, settings, instanceDirectory } = life;

  function obstacle(underWay: number): Obstacle | null {
    if (life.over || life.phase === "stopping" || life.phase === "exited" || life.agent === null)
      return { why: "the agent is being ended", passes: false };
    if (readFence(dirname(instanceDirectory)) >= intent.epoch)
      return { why: "its epoch is fenced", passes: false };
    if (pauses.by().length > 0) return { why: "the agent is paused", passes: true };
    const full = limits.fullFor(underWay);
    return full === null ? null : { why: full, passes: true };
  }

  return createGateway({
    ...plan,
    key: settings.secrets[plan.model.key] ?? "",
    prices: settings.prices ?? {},
    obstacle,
    onListening() {
      const user = intent.containment.sandbox?.user ?? null;
      if (user !== null) giveFile(plan.socket, user);
    },
    onUsed(used) {
      clocks.onOutput();
      if (!clocks.onUsage(used)) return;
      limits.look();
      heart.beatSoon(SPENDING_MS);
    },
    onThrottled(ms) {
      clocks.throttle(ms);
      heart.beatSoon(SPENDING_MS);
    },
    note: (text) => transcript.note(text),
  });
}
