/** Opens a session and sets it up: the mode and the options that its clone names, each read back. */
import type { LoadSessionRequest, NewSessionRequest } from "@agentclientprotocol/sdk";
import type { AcpSettings } from "../../../core/model/clone.ts";
import { isRecord } from "../../../instance/files.ts";
import { meaningOfError } from "./prompt-error.ts";
import type { Peer, RpcAnswer, RpcError } from "./rpc.ts";
import { SESSION_ID_CHARS_MAX } from "./session-memory.ts";

/** Some read a whole project before they answer. */
const SESSION_MS_MAX = 120_000;
const SETTING_MS_MAX = 30_000;
/** A mode is set by a request whose answer is empty; the session tells of it beside. */
const READ_BACK_MS_MAX = 10_000;

export interface OpenedSession {
  readonly sessionId: string;
  /** It knows what it did before. */
  readonly resumed: boolean;
  readonly modes: unknown;
  readonly configOptions: unknown;
}

export type Opened =
  | { readonly ok: true; readonly session: OpenedSession }
  | { readonly ok: false; readonly error: RpcError };

/** Resumes or loads the session that is known, whichever the agent can; a new one where neither is, or does not work. */
export async function openSession(
  peer: Peer,
  {
    place,
    known,
    capabilities,
    note,
    onReplay,
  }: {
    readonly place: NewSessionRequest;
    readonly known: string | null;
    readonly capabilities: Readonly<Record<string, unknown>>;
    readonly note: (text: string) => void;
    /** What a loaded session tells until it is open has happened before. */
    readonly onReplay: (replays: boolean) => void;
  },
): Promise<Opened> {
  const sessionCapabilities = capabilities["sessionCapabilities"];
  const resumes = isRecord(sessionCapabilities) && isRecord(sessionCapabilities["resume"]);
  const way = resumes ? "session/resume" : capabilities["loadSession"] === true ? "session/load" : null;
  if (known !== null && way === null)
    note("the agent can neither resume nor load a session: it begins a new one");
  if (known !== null && way !== null) {
    const request: LoadSessionRequest = { ...place, sessionId: known };
    onReplay(true);
    const answer = await peer.request(way, request, SESSION_MS_MAX);
    onReplay(false);
    if (answer.ok) return opened(known, answer.result, { resumed: true });
    const { type } = meaningOfError(answer.error);
    if (type === "gone" || type === "unauthorized") return answer;
    note(`${way} was refused (${answer.error.message}): a new session begins`);
  }
  const answer = await peer.request("session/new", place, SESSION_MS_MAX);
  if (!answer.ok) return answer;
  const { sessionId } = answer.result;
  if (typeof sessionId !== "string" || sessionId === "" || sessionId.length > SESSION_ID_CHARS_MAX)
    return { ok: false, error: { code: 0, message: "session/new was answered without a sessionId" } };
  return opened(sessionId, answer.result, { resumed: false });
}

function opened(
  sessionId: string,
  { modes, configOptions }: Readonly<Record<string, unknown>>,
  { resumed }: { readonly resumed: boolean },
): Opened {
  return { ok: true, session: { sessionId, resumed, modes, configOptions } };
}

/** What a session says of its mode and options, as it stands now. */
export interface Standing {
  mode(): string | null;
  option(id: string): unknown;
  /** The option that is the mode, where modes are one of the options. */
  modeOption(): string | null;
  onMode(modeId: string): void;
  onConfig(options: unknown): void;
  /** Resolves when the mode is this one, or the time is over. */
  awaitMode(modeId: string): Promise<void>;
}

export function createStanding({ modes, configOptions }: OpenedSession): Standing & {
  /** More than one to choose from. */
  readonly offers: readonly string[];
} {
  let mode: string | null =
    isRecord(modes) && typeof modes["currentModeId"] === "string" ? modes["currentModeId"] : null;
  const options = new Map<string, Readonly<Record<string, unknown>>>();
  let waiting: (() => void)[] = [];

  const modeOption = (): string | null =>
    [...options].find(([, option]) => option["category"] === "mode")?.[0] ?? null;
  const told = (): void => {
    for (const wake of waiting) wake();
    waiting = [];
  };
  const standing: Standing = {
    mode() {
      const id = modeOption();
      const value = id === null ? undefined : options.get(id)?.["currentValue"];
      return typeof value === "string" ? value : mode;
    },
    option: (id) => options.get(id)?.["currentValue"],
    modeOption,
    onMode(modeId) {
      mode = modeId;
      // It is told in one of two ways, and then stands in both.
      const id = modeOption();
      const option = id === null ? undefined : options.get(id);
      if (id !== null && option !== undefined) options.set(id, { ...option, currentValue: modeId });
      told();
    },
    onConfig(said) {
      for (const option of Array.isArray(said) ? said.slice(0, OPTIONS_MAX) : [])
        if (isRecord(option) && typeof option["id"] === "string") options.set(option["id"], option);
      told();
    },
    async awaitMode(modeId) {
      const deadline = performance.now() + READ_BACK_MS_MAX;
      while (standing.mode() !== modeId && performance.now() < deadline)
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          setTimeout(resolve, deadline - performance.now()).unref();
        });
    },
  };
  standing.onConfig(configOptions);
  const available = isRecord(modes) && Array.isArray(modes["availableModes"]) ? modes["availableModes"] : [];
  const ids = available.filter(isRecord).map(({ id }) => String(id));
  return { ...standing, offers: ids.slice(0, OPTIONS_MAX) };
}

const OPTIONS_MAX = 100;

/** Null: it stands as its clone wants it. Else what is wrong, and what to do; or the error of the agent. */
export async function setUp(
  peer: Peer,
  sessionId: string,
  {
    settings,
    standing,
  }: { readonly settings: AcpSettings; readonly standing: ReturnType<typeof createStanding> },
): Promise<string | null> {
  const { mode, config = {} } = settings;
  for (const [configId, value] of Object.entries(config)) {
    if (standing.option(configId) === value) continue;
    const problem = await setOption(peer, { sessionId, configId, value, standing });
    if (problem !== null) return problem;
  }
  if (mode === undefined)
    return standing.offers.length > 1
      ? `it offers the modes ${standing.offers.join(", ")} and stands in ${standing.mode()}; its clone has to say in which one it works: agent.acp.mode`
      : null;
  if (standing.mode() === mode) return null;
  const configId = standing.modeOption();
  if (configId !== null) return setOption(peer, { sessionId, configId, value: mode, standing });
  const answer = await peer.request("session/set_mode", { sessionId, modeId: mode }, SETTING_MS_MAX);
  if (!answer.ok) return `its mode ${mode} was refused: ${answer.error.message}${choice(standing)}`;
  await standing.awaitMode(mode);
  return standing.mode() === mode
    ? null
    : `its mode ${mode} was set and not confirmed: it says that it is in ${standing.mode()}`;
}

async function setOption(
  peer: Peer,
  {
    sessionId,
    configId,
    value,
    standing,
  }: {
    readonly sessionId: string;
    readonly configId: string;
    readonly value: string | boolean;
    readonly standing: Standing;
  },
): Promise<string | null> {
  const given = typeof value === "boolean" ? { type: "boolean", value } : { value };
  const answer: RpcAnswer = await peer.request(
    "session/set_config_option",
    { sessionId, configId, ...given },
    SETTING_MS_MAX,
  );
  if (!answer.ok) return `its option ${configId} = ${value} was refused: ${answer.error.message}`;
  standing.onConfig(answer.result["configOptions"]);
  return standing.option(configId) === value
    ? null
    : `its option ${configId} = ${value} was set and not confirmed: it says ${String(standing.option(configId))}`;
}

function choice({ offers }: { readonly offers: readonly string[] }): string {
  return offers.length === 0 ? "" : `; it offers ${offers.join(", ")}`;
}
