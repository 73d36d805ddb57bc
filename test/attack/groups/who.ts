/** Who is believed: tokens, names, roles, and somebody else in the controller's place. */
import { createHmac } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { createServer } from "node:https";
import { join } from "node:path";
import { selfMade } from "../../../src/adapters/http/certificate.ts";
import { createControllerClient } from "../../../src/adapters/http/client.ts";
import { provenAgentAt } from "../../../src/instance/proven.ts";
import { eventually, isAlive, processesOf } from "../../e2e/world.ts";
import { cloneName, pairFiles } from "../../support/fleet-files.ts";
import { type Attack, broken, held } from "../attack.ts";
import { KEPT_VARIABLES } from "../field.ts";
import type { Fleet } from "../fleet.ts";
import { ROOT } from "../program.ts";
import { stepping, takeSteps } from "../steps.ts";

/** Attempts of a shim to reach its controller, each with its token at hand. */
const BEATS = 2;
const EVERY_SECOND = { heartbeatSeconds: 1 };
/** By whose secret a body is signed is asked there, and for no token. */
const SIGNED = "/webhooks/";
/** Said to everybody: whether it lives, and which requests there are. */
const OPEN = new Set(["/healthz", "/readyz", "/openapi.json"]);

export const who: readonly Attack[] = [
  {
    name: "in-the-controllers-place",
    item: "4",
    how: "binds the controller's port while it is gone, shows a certificate of its own, answers 410 to all",
    success: "it is sent a token of a shim or of the operator, or an agent ends at its word",
    holds:
      "a controller proves itself before anything is said: folder of a socket, fingerprint of a certificate",
    slow: true,
    async play(field) {
      const fleet = await field.own("place", { args: ["--port", "0", "--callback", "network"] });
      await takeSteps(fleet, "works", [], { mission: EVERY_SECOND });
      const before = processesOf(fleet.dataDir, cloneName("works"), 1);
      const { network } = fleet.controller;
      await fleet.controller.kill();
      const heard = await listenInstead(network ?? "");
      const beats = beatsOf(fleet);
      await eventually(
        () => beatsOf(fleet) >= beats + BEATS || heard.lines.length > 0 || null,
        () => true,
        () => "the shim to look for its controller",
      );
      const asked = await fleet.factory("--url", network ?? "", "status");
      await heard.close();
      await fleet.restart({ args: ["--host", "127.0.0.1"] });
      const alive = isAlive(before.shim) && isAlive(before.agent);
      if (heard.lines.length > 0) return broken("a token", heard.lines[0] ?? "");
      if (!alive) return broken("the agent's end", "it ended while a stranger answered");
      return held("nothing was sent", `exit ${asked.code}: ${asked.stderr.split("\n")[0]}`);
    },
  },
  {
    name: "every-route-without-a-token",
    item: "kept",
    how: "asks every route of the API with no token, an invented one and one of an instance that there is not; webhooks with a wrong signature",
    success: "an answer other than 401, or 404 of a forge that is not declared",
    holds: "one table of routes, each with who may ask",
    async play(field) {
      const fleet = await field.fleet("shut");
      const { paths } = JSON.parse(readFileSync(join(ROOT, "schemas/wire/openapi.json"), "utf8")) as {
        paths: Record<string, Record<string, unknown>>;
      };
      const tokens = [
        null,
        "fop_000000000000_0000",
        `fct1.${cloneName("nobody")}.1.${"0".repeat(32)}.${mac("wrong")}`,
      ];
      const odd: string[] = [];
      let asked = 0;
      for (const [path, methods] of Object.entries(paths))
        for (const method of Object.keys(methods))
          for (const token of OPEN.has(path) ? [] : tokens) {
            const status = await statusOf(fleet, method, path.replaceAll(/\{\w+\}/g, "forks-twice"), token);
            asked += 1;
            if (status !== 401 && !(path.startsWith(SIGNED) && status === 404))
              odd.push(`${method} ${path}: ${status}`);
          }
      return odd.length > 0 ? broken(odd[0] ?? "", odd.join(", ")) : held("401", `${asked} requests`);
    },
  },
  {
    name: "a-viewer-acts",
    item: "5",
    how: "a viewer's token kills, makes an admin's token, and says that it is somebody else",
    success: "a mission ends, a token is made, or the record names somebody else",
    holds: "a role for each operation, names by tokens of one's own",
    slow: true,
    async play(field) {
      const fleet = await field.own("names");
      await takeSteps(fleet, "works", []);
      const vera = await tokenFor(fleet, "vera", "viewer");
      const bob = await tokenFor(fleet, "bob", "operator");
      const ask = (token: string, actor: string) =>
        createControllerClient({ url: fleet.controller.url, token, actor });
      const refused = await Promise.allSettled([
        ask(vera, "olga").call("kill", { name: "works", reason: "mine", now: true }),
        ask(vera, "olga").call("createToken", { name: "eve", role: "admin" }),
        ask(bob, "olga").call("createToken", { name: "eve", role: "admin" }),
      ]);
      await ask(bob, "vera").call("pause", { name: "works", reason: "played" });
      const { events } = await fleet.controller.client.call("events", {
        clone: cloneName("works"),
        last: 50,
      });
      const by = events.flatMap(({ event }) => (event.type === "hold.placed" ? [event.by] : []));
      const said = JSON.stringify(by);
      if (refused.some(({ status }) => status === "fulfilled")) return broken("an order was taken", said);
      const right = by.every(
        (one) => "name" in one && one.name === "bob" && "proven" in one && one.proven === true,
      );
      return by.length > 0 && right ? held("403", `recorded: ${said}`) : broken("another's name", said);
    },
  },
  {
    name: "secrets-by-any-name",
    item: "6",
    how: "a clone's file names `FACTORY_GIT_TOKEN` and a variable of the controller; the fleet file allows `FACTORY*`",
    success: "the agent is given the value",
    holds: "an allow-list in the fleet file, ours never",
    async play(field) {
      const fleet = await field.own("secrets", { fleet: { secrets: { env: ["FACTORY*"] } } });
      for (const [index, variable] of Object.keys(KEPT_VARIABLES).entries())
        await fleet.commit(
          pairFiles(`greedy-${index}`, {
            command: stepping([["run", "env"]]),
            secrets: [{ name: "KEY", from: { env: variable } }],
          }),
        );
      const { issues } = await eventually(
        () => fleet.controller.client.call("fleet"),
        (view) => view.issues.filter(({ reason }) => reason === "SecretNotAllowed").length >= 2,
        () => "both to be refused",
      );
      const given = ["greedy-0", "greedy-1"].filter((name) =>
        existsSync(join(fleet.workspace(name), "result.json")),
      );
      const said = issues.find(({ reason }) => reason === "SecretNotAllowed")?.message ?? "";
      return given.length > 0
        ? broken("started", said)
        : held("not started", `\`SecretNotAllowed\`: ${said}`);
    },
  },
  {
    name: "tokens-in-sight",
    item: "kept",
    how: "reads arguments and environments of every process that controllers, shims and agents are",
    success:
      "a token, a key of the installation, or a variable of the controller in a process that is not one",
    holds: "tokens go by descriptors and files of their owner; agents get what is declared",
    async play(field) {
      const fleet = await field.fleet("shut");
      await takeSteps(fleet, this.name, []);
      const { key } = JSON.parse(readFileSync(join(fleet.dataDir, "installation.json"), "utf8")) as {
        key: string;
      };
      const operator = readFileSync(join(fleet.dataDir, "operator.token"), "utf8").trim();
      const secret = [operator, key, "fct1."];
      const found: string[] = [];
      let looked = 0;
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        const [cmdline, environ] = ["cmdline", "environ"].map((file) => textOf(`/proc/${pid}/${file}`));
        if (cmdline === undefined || !`${cmdline}${environ}`.includes(field.base)) continue;
        looked += 1;
        const controller = cmdline.includes("\0run\0");
        const here = [...secret, ...(controller ? [] : Object.values(KEPT_VARIABLES))];
        // A controller was given its own variables by whoever started it, and nothing passes them on.
        if (secret.some((one) => cmdline.includes(one)) || here.some((one) => environ?.includes(one)))
          found.push(cmdline.replaceAll("\0", " ").slice(0, 200));
      }
      await fleet.kill(this.name);
      return found.length > 0
        ? broken("in sight", found.join("; "))
        : held("nothing", `${looked} processes looked at`);
    },
  },
];

async function tokenFor(fleet: Fleet, name: string, role: string): Promise<string> {
  const { code, stdout, stderr } = await fleet.factory("token", "create", name, "--role", role);
  if (code !== 0) throw new Error(`no token for ${name}: ${stderr}`);
  return stdout.trim();
}

function mac(key: string): string {
  return createHmac("sha256", key).update("anything").digest("base64url");
}

function statusOf(fleet: Fleet, method: string, path: string, token: string | null): Promise<number> {
  return new Promise((resolve, reject) => {
    const signed = path.startsWith(SIGNED);
    const headers = {
      host: "localhost",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(signed
        ? { "content-type": "application/json", "x-hub-signature-256": `sha256=${"0".repeat(64)}` }
        : {}),
    };
    const agent = provenAgentAt(fleet.controller.url);
    const asked = request(
      { agent, method: method.toUpperCase(), path, headers },
      (answer: IncomingMessage) => {
        answer.resume();
        answer.on("end", () => resolve(answer.statusCode ?? 0));
      },
    );
    asked.on("error", reject);
    asked.end(signed ? "{}" : undefined);
  });
}

/** Answers that the epoch is over, and keeps what it is shown. */
async function listenInstead(url: string): Promise<{ readonly lines: string[]; close(): Promise<void> }> {
  const lines: string[] = [];
  const { key, cert } = selfMade({ name: "stranger", host: "127.0.0.1", at: Date.now() });
  const server = createServer({ key, cert }, (asked, answer) => {
    lines.push(`${asked.method} ${asked.url} ${asked.headers.authorization}`);
    asked.resume();
    answer.writeHead(410).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(Number(new URL(url).port), "127.0.0.1", resolve));
  return {
    lines,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function beatsOf(fleet: Fleet): number {
  return textOf(join(fleet.dataDir, "instances", cloneName("works"), "1", "heartbeats.jsonl")).split("\n")
    .length;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
