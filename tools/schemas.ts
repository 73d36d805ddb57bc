/**
 * Writes `schemas/` from the shapes in `src/documents/schema` and `src/api`: `npm run schemas`.
 * The files are committed, because editors and CI read them; a test fails when one is stale.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ABOUT } from "../src/about.ts";
import { allRoutes } from "../src/adapters/http/app.ts";
import { openApiDocument } from "../src/adapters/http/openapi.ts";
import { MissionEnvelope } from "../src/api/envelope.ts";
import { WireEvent } from "../src/api/event.ts";
import { WireHeartbeat } from "../src/api/heartbeat.ts";
import { KINDS } from "../src/documents/schema/kinds.ts";
import type { ControlPlane } from "../src/ports/control-plane.ts";

/** Every generated schema, by its path below the repository's root. The same shapes give the same text. */
export function generatedSchemas(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [kind, schema] of Object.entries(KINDS)) {
    files.set(`schemas/${kind.toLowerCase()}.schema.json`, render(schema, "input"));
  }
  files.set("schemas/wire/mission-envelope-v1.schema.json", render(MissionEnvelope, "output"));
  files.set("schemas/wire/event-v1.schema.json", render(WireEvent, "input"));
  files.set("schemas/wire/heartbeat-v1.schema.json", render(WireHeartbeat, "input"));
  return files;
}

/** The description of the controller's API, as a running one serves it. */
export function generatedOpenApi(): readonly [path: string, text: string] {
  // Described, and never asked.
  const plane = { operations: {} } as ControlPlane;
  const document = openApiDocument(allRoutes(plane), ABOUT.version);
  return ["schemas/wire/openapi.json", `${JSON.stringify(document, null, 2)}\n`];
}

function render(schema: z.ZodType, io: "input" | "output"): string {
  return `${JSON.stringify(z.toJSONSchema(schema, { target: "draft-2020-12", io }), null, 2)}\n`;
}

/** The repository's root, from where this file stands. */
const ROOT = fileURLToPath(new URL("../", import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of [...generatedSchemas(), generatedOpenApi()]) {
    const file = join(ROOT, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    process.stdout.write(`${path}\n`);
  }
}
