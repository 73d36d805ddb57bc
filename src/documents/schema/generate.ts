/**
 * Writes `schemas/<kind>.schema.json` from the shapes in this folder: `npm run schemas`.
 * The files are committed, because editors and CI read them; a test fails when one is stale.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { missionEnvelopeSchema, wireEventSchema, wireHeartbeatSchema } from "../../api/schema.ts";
import { KINDS } from "./kinds.ts";

/** Every generated file, by its path below the repository's root. The same shapes give the same text. */
export function generatedSchemas(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [kind, schema] of Object.entries(KINDS)) {
    files.set(`schemas/${kind.toLowerCase()}.schema.json`, render(schema, "input"));
  }
  files.set("schemas/wire/mission-envelope-v1.schema.json", render(missionEnvelopeSchema, "output"));
  files.set("schemas/wire/event-v1.schema.json", render(wireEventSchema, "input"));
  files.set("schemas/wire/heartbeat-v1.schema.json", render(wireHeartbeatSchema, "input"));
  return files;
}

function render(schema: z.ZodType, io: "input" | "output"): string {
  return `${JSON.stringify(z.toJSONSchema(schema, { target: "draft-2020-12", io }), null, 2)}\n`;
}

/** The repository's root, from where this file stands. */
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of generatedSchemas()) {
    const file = join(ROOT, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    process.stdout.write(`${path}\n`);
  }
}
