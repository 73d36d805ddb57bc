// A scripted agent on the agent's side of the protocol's own SDK:  agent.js <behaviour>
// Its world sees what it did: `prompts` has what it was told, `answers` what its requests were answered.
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { request } from "node:http";
import { Readable, Writable } from "node:stream";
import { agent, methods, ndJsonStream, RequestError } from "@agentclientprotocol/sdk";

const behaviour = process.argv[2];
const SESSION = "s-1";
const OPTIONS = [
  { optionId: "always", name: "Always", kind: "allow_always" },
  { optionId: "once", name: "Once", kind: "allow_once" },
  { optionId: "no", name: "No", kind: "reject_once" },
];
const MODES = {
  currentModeId: "auto",
  availableModes: [
    { id: "auto", name: "a model judges" },
    { id: "ask", name: "asks" },
  ],
};
let prompts = 0;
let servers = [];
let cancelled = () => {};

const log = (file, value) => appendFileSync(file, `${JSON.stringify(value)}\n`);
const never = () => new Promise(() => {});
const tool = (name, given) =>
  new Promise((resolve, reject) => {
    const { value } = servers[0].env.find((one) => one.name === "FACTORY_TOOLS_SOCKET");
    const asked = request({ socketPath: value, path: `/v1/tools/${name}`, method: "POST" }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode));
    });
    asked.on("error", reject);
    asked.end(JSON.stringify(given));
  });
const untilCancelled = () =>
  new Promise((resolve) => {
    cancelled = resolve;
  });

function toolsOf(client) {
  const update = (one) => client.notify(methods.client.session.update, { sessionId: SESSION, update: one });
  const call = (toolCallId, fields) => update({ sessionUpdate: "tool_call", toolCallId, ...fields });
  const callUpdate = (toolCallId, fields) =>
    update({ sessionUpdate: "tool_call_update", toolCallId, ...fields });
  return {
    update,
    call,
    callUpdate,
    say: (text) => update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } }),
    async permission(toolCall, options = OPTIONS) {
      const answer = await client.request(methods.client.session.requestPermission, {
        sessionId: SESSION,
        toolCall,
        options,
      });
      log("answers", answer.outcome);
      return answer.outcome;
    },
    // Announces, asks, and does what it may; answers whether it did.
    async shell(toolCallId, command) {
      await call(toolCallId, { title: command, kind: "execute", status: "pending", rawInput: { command } });
      const outcome = await this.permission({ toolCallId });
      const may = outcome.outcome === "selected" && outcome.optionId !== "no";
      if (may) log("ran", command);
      await callUpdate(toolCallId, may ? { status: "completed", rawOutput: "done" } : { status: "failed" });
      return may;
    },
    ask: (message, properties) =>
      client.request("elicitation/create", {
        sessionId: SESSION,
        mode: "form",
        message,
        requestedSchema: { type: "object", properties },
      }),
  };
}

const BEHAVIOURS = {
  async completes({ update, say, call, callUpdate }) {
    await update({ sessionUpdate: "agent_thought_chunk", content: { type: "text", text: "let me see" } });
    const step = (content, status) => ({ content, status, priority: "medium" });
    await update({
      sessionUpdate: "plan",
      entries: [step("look", "completed"), step("write", "in_progress")],
    });
    await call("t1", { title: "Read a", kind: "read", status: "in_progress", rawInput: { path: "a" } });
    await callUpdate("t1", { status: "completed", rawOutput: "text" });
    await update({ sessionUpdate: "from_the_future", payload: "kept" });
    await update({
      sessionUpdate: "usage_update",
      used: 1,
      size: 2,
      cost: { amount: 0.25, currency: "USD" },
    });
    await say("all ");
    await say("of it");
    return "end_turn";
  },
  async works({ say }) {
    await say("at work");
    await untilCancelled();
    return "cancelled";
  },
};

const scripted = BEHAVIOURS[behaviour] ?? (await import("./behaviours.js")).BEHAVIOURS[behaviour];
const setup = scripted.setup ?? {};

const app = agent({ name: "scripted" })
  .onRequest(methods.agent.initialize, ({ params }) => {
    log("initialized", params);
    return {
      protocolVersion: setup.protocolVersion ?? 1,
      agentCapabilities: { loadSession: false, ...setup.capabilities },
    };
  })
  .onRequest(methods.agent.authenticate, ({ params }) => {
    log("authenticated", params);
    return {};
  })
  .onRequest(methods.agent.session.new, ({ params }) => {
    servers = params.mcpServers;
    log("sessions", { way: "new", ...params });
    if (setup.refuses !== undefined) throw new RequestError(...setup.refuses);
    return { sessionId: SESSION, ...(setup.modes === true ? { modes: MODES } : {}), ...setup.session };
  })
  .onRequest(methods.agent.session.resume, ({ params }) => {
    log("sessions", { way: "resume", ...params });
    return {};
  })
  .onRequest(methods.agent.session.load, async ({ params, client }) => {
    log("sessions", { way: "load", ...params });
    const { update } = toolsOf(client);
    for (let n = 0; n < 5; n += 1)
      await update({
        sessionUpdate: "plan",
        entries: [{ content: `old ${n}`, status: "completed", priority: "low" }],
      });
    return {};
  })
  .onRequest(methods.agent.session.setMode, async ({ params, client }) => {
    log("modes", params.modeId);
    if (setup.confirms !== false)
      await toolsOf(client).update({ sessionUpdate: "current_mode_update", currentModeId: params.modeId });
    return {};
  })
  .onRequest(methods.agent.session.setConfigOption, ({ params }) => {
    log("options", params);
    const { configOptions } = setup.session ?? {};
    if (configOptions === undefined) throw new RequestError(-32602, "Invalid params");
    const at = (option) =>
      option.id === params.configId ? { ...option, currentValue: params.value } : option;
    return { configOptions: configOptions.map(at) };
  })
  .onRequest(methods.agent.session.close, () => {
    log("closed", true);
    return {};
  })
  .onRequest(methods.agent.session.prompt, async ({ params, client }) => {
    const text = params.prompt.map((block) => block.text).join("\n");
    prompts += 1;
    log("prompts", text);
    const end = await scripted(toolsOf(client), {
      text,
      nth: prompts,
      untilCancelled,
      never,
      spawn,
      log,
      tool,
    });
    if (end instanceof Error) throw end;
    return { stopReason: end };
  })
  .onNotification(methods.agent.session.cancel, () => {
    log("cancels", prompts);
    cancelled();
  });

app.connect(ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)));
if (setup.staysOnEnd !== true) process.stdin.on("end", () => process.exit(0));
