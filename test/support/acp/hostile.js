// An agent that keeps to no rule:  hostile.js <behaviour>
// Every update and request that it sends is made from the protocol's own schema; what it answers, and when, is its own.
import { spawn } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const behaviour = process.argv[2];
const schema = JSON.parse(
  readFileSync(new URL(import.meta.resolve("@agentclientprotocol/sdk/schema/v1/schema.json"))),
);
let seed = 1;
const random = (below) => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
  return seed % below;
};

// A value that the schema allows, with strange texts and numbers where it lets us choose.
function make(part, depth = 0) {
  if (part.$ref !== undefined) return make(schema.$defs[part.$ref.split("/").at(-1)], depth);
  if (part.const !== undefined) return part.const;
  if (part.enum !== undefined) return part.enum[random(part.enum.length)];
  const choices = part.oneOf ?? part.anyOf;
  const own = part.properties === undefined ? {} : fields(part, depth);
  const mixed = (part.allOf ?? []).map((one) => make(one, depth));
  const chosen = choices === undefined ? [] : [make(choices[random(choices.length)], depth)];
  const parts = [...mixed, ...chosen];
  if (parts.some((one) => typeof one !== "object" || one === null)) return parts[0];
  if (part.properties !== undefined || parts.length > 0) return Object.assign({}, ...parts, own);
  const type = Array.isArray(part.type) ? part.type[random(part.type.length)] : part.type;
  if (type === "string") return ["", "a", "\u0000\u001b[2J", "𝕏".repeat(2_000), "__proto__", "t1"][random(6)];
  if (type === "integer" || type === "number") return [0, 1, 2 ** 53, 1e300][random(4)];
  if (type === "boolean") return random(2) === 0;
  if (type === "array")
    return depth > 4 ? [] : Array.from({ length: random(3) }, () => make(part.items ?? {}, depth + 1));
  return type === "null" ? null : {};
}

function fields({ properties, required = [] }, depth) {
  const names = Object.keys(properties).filter(
    (name) => required.includes(name) || (depth < 4 && random(2) === 0),
  );
  return Object.fromEntries(names.map((name) => [name, make(properties[name], depth + 1)]));
}

const write = (text) => process.stdout.write(text);
const send = (message) => write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
const answer = (id, result) => send({ id, result });
const update = (one) => send({ method: "session/update", params: { sessionId: "h", update: one } });
const say = (text) => update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } });
const done = (id) => answer(id, { stopReason: "end_turn" });
let asked = 0;
const ask = (toolCall) => {
  asked += 1;
  send({
    id: `p${asked}`,
    method: "session/request_permission",
    params: {
      sessionId: "h",
      toolCall,
      options: [
        { optionId: "y", name: "y", kind: "allow_once" },
        { optionId: "n", name: "n", kind: "reject_once" },
      ],
    },
  });
};
const WORDS = ["wind", "rain", "snow", "hail", "fog", "sun", "moon", "star", "tide", "reef"];
const askOn = () => {
  const title =
    behaviour === "asks-for-the-same" ? "the weather" : `${WORDS[random(10)]} ${WORDS[random(10)]} ${asked}`;
  ask({ toolCallId: `t${asked}`, kind: "fetch", title });
};
const detached = (script) => spawn("sh", ["-c", script], { detached: true, stdio: "ignore" });
const shell = (toolCallId, status) => ({
  sessionUpdate: "tool_call",
  toolCallId,
  title: "sleep",
  kind: "execute",
  status,
  rawInput: { n: asked },
});

const ON_PROMPT = {
  "ignores-cancel"() {
    setInterval(() => say("still here"), 50);
  },
  floods(id) {
    let rounds = 0;
    const more = () => {
      for (let n = 0; n < 200; n += 1) update(make(schema.$defs.SessionUpdate));
      rounds += 1;
      if (rounds < 50) setImmediate(more);
      else {
        write(`${"x".repeat(9 * 1024 * 1024)}\n`);
        write(
          '{"jsonrpc":"2.0","id":999,"result":{}}\n{"jsonrpc":"2.0"}\n[]\nnull\n{"jsonrpc":"2.0","method":5}\n',
        );
        say("flooded");
        done(id);
      }
    };
    more();
  },
  "dies-in-a-tool-call"() {
    update(shell("t1", "in_progress"));
    detached("sleep 7102 & sleep 7102");
    setTimeout(() => process.exit(3), 300);
  },
  "holds-a-tool-call"() {
    update(shell("t1", "in_progress"));
    detached("trap '' TERM; sleep 7103 & sleep 7103");
  },
  "holds-a-permission"() {
    detached("trap '' TERM; sleep 7104 & sleep 7104");
    ask({ toolCallId: "t1", kind: "execute", title: "make" });
  },
  "asks-for-ever": () => askOn(),
  "asks-for-the-same": () => askOn(),
  "asks-at-once"() {
    for (let n = 0; n < 300; n += 1) ask({ toolCallId: `t${n}`, kind: "execute", title: "make" });
  },
  "lies-about-usage"(id) {
    for (const amount of [-1, "5", null, 1e300, Number.MAX_SAFE_INTEGER, 0.5])
      update({ sessionUpdate: "usage_update", used: 1, size: 1, cost: { amount, currency: "USD" } });
    update({ sessionUpdate: "usage_update", used: 1, size: 1, cost: { amount: 900, currency: "credits" } });
    say("told");
    done(id);
  },
  "answers-itself"(id) {
    ask({ toolCallId: "t1", kind: "execute", title: "make" });
    // As if somebody else had answered: it does not wait.
    appendFileSync("ran", '"make"\n');
    update({ sessionUpdate: "tool_call_update", toolCallId: "t1", status: "in_progress" });
    update({ sessionUpdate: "tool_call_update", toolCallId: "t1", status: "completed" });
    setTimeout(() => done(id), 60_000);
  },
  "ends-without-a-word"() {
    process.exit(0);
  },
  "does-not-read"() {
    process.stdin.pause();
    for (let n = 0; n < 40_000; n += 1)
      send({ id: `q${n}`, method: "fs/read_text_file", params: { path: "x".repeat(90) } });
  },
  "speaks-of-nothing"(id) {
    answer(id, { stopReason: "because" });
  },
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, result } = JSON.parse(line);
  appendFileSync("heard", `${line.length > 5_000 ? '"long"' : line}\n`);
  if (method === "initialize" && behaviour !== "hangs-at-initialize")
    answer(id, { protocolVersion: 1, agentCapabilities: {} });
  if (method === "session/new") answer(id, { sessionId: "h" });
  if (method === "session/prompt") ON_PROMPT[behaviour]?.(id);
  if (result !== undefined && behaviour.startsWith("asks-for-")) askOn();
});
process.on("SIGTERM", () => {});
setInterval(() => {}, 1_000);
