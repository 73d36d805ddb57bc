// What `agent.js` can do besides, by name.
import { RequestError } from "@agentclientprotocol/sdk";

function withSetup(setup, act) {
  return Object.assign(act, { setup });
}

const says = (text) => async (on) => {
  await on.say(text);
  return "end_turn";
};

export const BEHAVIOURS = {
  "has-modes": withSetup({ modes: true }, says("asked before everything")),
  "confirms-no-mode": withSetup({ modes: true, confirms: false }, says("who knows")),
  "has-options": withSetup(
    {
      session: {
        configOptions: [
          {
            id: "effort",
            name: "Effort",
            type: "select",
            currentValue: "low",
            options: [
              { value: "low", name: "Low" },
              { value: "high", name: "High" },
            ],
          },
        ],
      },
    },
    says("with effort"),
  ),
  "changes-its-mode": withSetup({ modes: true }, async (on, { untilCancelled }) => {
    await on.update({ sessionUpdate: "current_mode_update", currentModeId: "auto" });
    await untilCancelled();
    return "cancelled";
  }),
  "speaks-version-2": withSetup({ protocolVersion: 2 }, says("never")),
  "wants-a-login": withSetup({ refuses: [-32000, "Authentication required"] }, says("never")),
  async "is-refused-its-key"() {
    return new RequestError(-32603, "Internal error", { status: 401 });
  },
  async "is-rate-limited"(on, { nth }) {
    if (nth < 4) return new RequestError(429, "Too many requests", { retryAfterMs: 50 });
    await on.say("after all");
    return "end_turn";
  },
  async "fails-for-ever"() {
    return new RequestError(-32603, "Internal error");
  },
  async "runs-out-of-tokens"(on) {
    await on.say("half of");
    return "max_tokens";
  },
  async "uses-a-shell"(on) {
    const may = await on.shell("t1", "make all");
    if (!may) await on.call("t2", { title: "Read a", kind: "read", status: "completed" });
    await on.say(may ? "made" : "not made");
    return "end_turn";
  },
  // Gives up at the first refusal, as some do.
  async "gives-up"(on) {
    await on.shell("t1", "make all");
    return "end_turn";
  },
  async "asks-by-id-alone"(on) {
    await on.call("t1", {
      title: "rm -rf /",
      kind: "execute",
      status: "pending",
      rawInput: { command: "rm" },
    });
    await on.permission({ toolCallId: "t1" });
    await on.callUpdate("t1", { status: "failed" });
    await on.call("t2", { title: "a look", kind: "read", status: "completed" });
    return "end_turn";
  },
  async "asks-by-title-alone"(on) {
    await on.permission({ toolCallId: "t1", title: "something" });
    await on.call("t2", { title: "a look", kind: "read", status: "completed" });
    return "end_turn";
  },
  async "offers-always-alone"(on) {
    await on.permission({ toolCallId: "t1", kind: "read", title: "a" }, [
      { optionId: "always", name: "Always", kind: "allow_always" },
    ]);
    await on.say("asked");
    return "end_turn";
  },
  async "does-not-ask"(on, { untilCancelled }) {
    await on.call("t1", {
      title: "make",
      kind: "execute",
      status: "in_progress",
      rawInput: { command: "make" },
    });
    await on.callUpdate("t1", { status: "completed" });
    await untilCancelled();
    return "cancelled";
  },
  async "asks-after-the-cancel"(on, { untilCancelled }) {
    await untilCancelled();
    await on.permission({ toolCallId: "t9", kind: "read", title: "a" });
    return "cancelled";
  },
  async "waits-for-permission"(on, { untilCancelled }) {
    const asked = on.permission({ toolCallId: "t1", kind: "execute", title: "make", rawInput: { a: 1 } });
    await untilCancelled();
    await asked;
    return "cancelled";
  },
  async "asks-a-question"(on, { log }) {
    const answer = await on.ask("which colour?", { colour: { type: "string" } });
    log("answers", answer);
    await on.say(`it is ${answer.content?.colour}`);
    return "end_turn";
  },
  // Over the tools of its shim, as their MCP server does.
  async "says-that-it-is-blocked"(on, { nth, tool }) {
    if (nth === 1) await tool("report_blocked", { reason: "no key", needs: "the vault" });
    else await on.say("done with it");
    return "end_turn";
  },
  async "calls-its-model"(on) {
    const { ANTHROPIC_BASE_URL: base, API_KEY: key } = process.env;
    const answer = await fetch(`${base}/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": key, "content-type": "application/json" },
      body: JSON.stringify({ model: "claude-sonnet-4-5", stream: true, max_tokens: 5, messages: [] }),
    });
    await answer.text();
    const cost = { amount: 99, currency: "USD" };
    await on.update({ sessionUpdate: "usage_update", used: 1, size: 2, cost });
    return "end_turn";
  },
  // Says a number ten times a second, up to so many, and then waits for whoever has a word for it.
  async counts(on) {
    for (let n = 1; n <= 100; n += 1) {
      await on.say(`n${n}\n`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await on.ask("counted; what now?", { answer: { type: "string" } });
    await on.say("counted");
    return "end_turn";
  },
  // Two turns: what it hears during the first comes with the second.
  async listens(on, { nth, text }) {
    if (nth === 1) {
      await on.update({
        sessionUpdate: "plan",
        entries: [{ content: "listen", status: "in_progress", priority: "high" }],
      });
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return "end_turn";
    }
    await on.say(`heard: ${text.split("\n").at(-1)}`);
    return "end_turn";
  },
  async "leaves-processes"(on, { spawn }) {
    const left = spawn("sh", ["-c", "sleep 7101 & sleep 7101"], { detached: true, stdio: "ignore" });
    await on.say(`left ${left.pid}`);
    await on.call("t1", { title: "never closed", kind: "read", status: "in_progress" });
    await on.ask("and now?", { answer: { type: "string" } }).catch(() => {});
    return "end_turn";
  },
  // Alive for its first turn, in the middle of which it is killed from outside.
  resumes: withSetup(
    { capabilities: { sessionCapabilities: { resume: {} } } },
    async (on, { text, never }) => {
      if (!text.includes("interrupted")) await never();
      await on.say("went on");
      return "end_turn";
    },
  ),
  loads: withSetup({ capabilities: { loadSession: true } }, async (on, { text, never }) => {
    if (!text.includes("interrupted")) await never();
    await on.say("went on");
    return "end_turn";
  }),
  async "forgets-everything"(on, { text, never }) {
    if (!text.includes("An earlier agent")) await never();
    await on.say("began anew");
    return "end_turn";
  },
};
