/** A shim with one adapter more, started as the ordinary one is. */
import { resolve } from "node:path";
import { claimEpoch, readIntent } from "../../../src/instance/claim.ts";
import { readSettings } from "../../../src/instance/launch-settings.ts";
import { AGENTS } from "../../../src/shim/agents/registry.ts";
import { listenForControl } from "../../../src/shim/session/control.ts";
import { createSession } from "../../../src/shim/session/session.ts";
import { jsonRpcAdapter } from "./adapter.ts";

const instanceDirectory = resolve(process.argv[2] ?? ".");
const settings = await readSettings(process.stdin);
const intent = readIntent(instanceDirectory);
if (settings === null || intent === null || claimEpoch(instanceDirectory, intent) !== "claimed")
  process.exit(64);
const session = createSession({
  instanceDirectory,
  intent,
  settings,
  toolsProgram: "/nowhere",
  doorProgram: "",
  agents: { ...AGENTS, "json-rpc": jsonRpcAdapter },
  onEnd: () => process.exit(0),
});
process.on("SIGTERM", () => session.end("SIGTERM"));
await listenForControl({ socket: intent.socket, nonce: intent.nonce, methods: session.methods });
session.prepare();
