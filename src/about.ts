import { createRequire } from "node:module";
import { MIGRATIONS } from "./adapters/store/sqlite/migrations/index.ts";
import type { ProgramFacts } from "./ports/control-plane.ts";

const { version } = createRequire(import.meta.url)("../package.json") as { version: string };

/** This program: its version, and what it reads and writes. */
export const ABOUT: ProgramFacts = {
  version,
  node: process.versions.node,
  protocol: { envelope: 1, event: 1, heartbeat: 1 },
  recordLayout: MIGRATIONS.at(-1)?.version ?? 0,
};
