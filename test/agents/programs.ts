/** Real agents at the versions of their recipes: installed once, below a folder that git does not see. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { AGENT_RECIPES, type AgentName } from "../../src/cli/scaffold/agents.ts";

const HERE = fileURLToPath(new URL("../../node_modules/.cache/factory-agents", import.meta.url));
const INSTALL_MS_MAX = 10 * 60 * 1_000;

/** `FACTORY_AGENTS_DIR` says where else; about 2 GB for all of them. */
export function programsFolder(): string {
  return process.env["FACTORY_AGENTS_DIR"] ?? HERE;
}

/** The folder for PATH in which its program is. */
export async function installed(name: AgentName): Promise<string> {
  const { package: wanted, program } = AGENT_RECIPES[name];
  const folder = join(programsFolder(), wanted.replace(/^@/, "").replaceAll("/", "+"));
  const bin = join(folder, "bin");
  if (existsSync(join(bin, program))) return bin;
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  await promisify(execFile)(
    "npm",
    ["install", "--global", "--prefix", part, "--no-audit", "--no-fund", wanted],
    {
      timeout: INSTALL_MS_MAX,
    },
  );
  await rm(folder, { recursive: true, force: true });
  await rename(part, folder);
  return bin;
}
