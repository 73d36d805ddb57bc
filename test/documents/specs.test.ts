import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { toWire } from "../../src/adapters/notify/body.ts";
import { keyOf, sign } from "../../src/adapters/notify/webhook.ts";
import { MissionEnvelope } from "../../src/api/envelope.ts";
import { WireEvent } from "../../src/api/event.ts";
import { WireHeartbeat } from "../../src/api/heartbeat.ts";
import { SEVERITIES } from "../../src/core/model/incident.ts";
import { NOTICE_KINDS } from "../../src/core/model/notice.ts";
import { formatIssue } from "../../src/documents/issue.ts";
import { parseDocument } from "../../src/documents/parse.ts";
import { compilePolicies } from "../../src/documents/validate.ts";
import { aNotice } from "../core/notify/notices.ts";
import { tree } from "./repository.ts";

function blocks(page: string, language: string): string[] {
  const text = readFileSync(fileURLToPath(new URL(`../../specs/${page}.md`, import.meta.url)), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    (match) => match[1] ?? "",
  );
}

function issuesOf(page: string, text: string): string[] {
  return parseDocument({ file: `${page}.yaml`, bytes: Buffer.from(text) }).issues.map(formatIssue);
}

/** The first example of a page is a document; those that follow show some fields of its `spec`. */
function withFields(whole: string, fragment: string): string {
  const document = parse(whole) as { spec: Record<string, unknown> };
  return stringify({ ...document, spec: { ...document.spec, ...(parse(fragment) as object) } });
}

describe("the examples of the specifications are true", () => {
  it.each(["mission", "clone", "overlay", "baseline", "fleet"])("%s", (page) => {
    const [whole = "", ...fragments] = blocks(page, "ya?ml");
    expect(issuesOf(page, whole)).toEqual([]);
    for (const fragment of fragments)
      expect(issuesOf(page, withFields(whole, fragment)), fragment).toEqual([]);
  });

  it("no block of another page is left out", () => {
    for (const page of [
      "mission-envelope-v1",
      "events-v1",
      "agent-lines-v1",
      "shim-control-v1",
      "notices-v1",
    ])
      expect(blocks(page, "ya?ml"), page).toEqual([]);
  });

  it("notice", () => {
    const [example = ""] = blocks("notices-v1", "json");
    const shown = JSON.parse(example) as { type: string; data: Record<string, unknown> };
    expect(Object.keys(shown.data)).toEqual(Object.keys(toWire(aNotice())));
    expect(NOTICE_KINDS.map((kind) => `factory.${kind}`)).toContain(shown.type);
    expect(SEVERITIES).toContain(shown.data["severity"]);
    const [secret = "", id = "", timestamp = "", signature = ""] =
      blocks("notices-v1", "text")[0]?.split("\n") ?? [];
    const body = JSON.stringify(shown);
    expect(sign(keyOf(secret) ?? Buffer.alloc(0), { id, timestamp, body })).toBe(signature);
  });

  it("house rule", () => {
    const { entries, contents } = tree({ "schemas/policy/a.schema.json": blocks("fleet", "json")[0] ?? "" });
    expect(compilePolicies(entries, contents).issues).toEqual([]);
  });

  it("mission envelope", () => {
    const [example = ""] = blocks("mission-envelope-v1", "json");
    expect(MissionEnvelope.safeParse(JSON.parse(example)).error?.issues ?? []).toEqual([]);
  });

  it("event and heartbeat", () => {
    const [event = "", heartbeat = ""] = blocks("events-v1", "json");
    const shown = event.replace("9f86d0…", "a".repeat(64));
    expect(WireEvent.safeParse(JSON.parse(shown)).error?.issues ?? []).toEqual([]);
    expect(WireHeartbeat.safeParse(JSON.parse(heartbeat)).error?.issues ?? []).toEqual([]);
  });
});
