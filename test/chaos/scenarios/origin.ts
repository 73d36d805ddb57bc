/** The origin hangs, answers with errors, or takes nothing: what was approved goes on, and a kill needs no repository. */
import type { Living } from "../../e2e/living.ts";
import type { Scenario } from "../scenario.ts";
import { liveThrough } from "../trouble.ts";

/** `git ls-remote` is given up after 30 s. */
const HANG_PATIENCE_MS = 90_000;

export const scenarios: Readonly<Record<string, Scenario>> = {
  "origin-hangs": {
    where: "origin",
    limitMs: 210_000,
    run: (options) =>
      liveThrough(
        {
          name: "origin-hangs",
          injected: "the origin accepts connections and never answers",
          begin: ({ world }) => world.server.setFault(() => ({ type: "hang" })),
          detected: sourceProblem,
          end: ({ world }) => world.server.setFault(null),
          patienceMs: HANG_PATIENCE_MS,
          published: true,
        },
        options,
      ),
  },
  "origin-errors": {
    where: "origin",
    run: (options) =>
      liveThrough(
        {
          name: "origin-errors",
          injected: "the origin answers every request with status 500",
          begin: ({ world }) => world.server.setFault(() => ({ type: "status", status: 500 })),
          detected: sourceProblem,
          end: ({ world }) => world.server.setFault(null),
          published: true,
        },
        options,
      ),
  },
  "origin-read-only": {
    where: "origin",
    run: (options) =>
      liveThrough(
        {
          name: "origin-read-only",
          injected: "the origin refuses every push",
          begin: ({ world }) =>
            world.server.setFault(({ service }) =>
              service === "git-receive-pack" ? { type: "status", status: 403 } : null,
            ),
          detected: statusProblem,
          end: ({ world }) => world.server.setFault(null),
          published: true,
        },
        options,
      ),
  },
};

async function sourceProblem({ controller }: Living): Promise<string | null> {
  const { source } = await controller.client.call("fleet");
  return source.state === "error" ? `source error: ${source.reason}: ${source.message}` : null;
}

async function statusProblem({ controller }: Living): Promise<string | null> {
  const said = (await controller.client.readiness()).checks["status_branch"] ?? "ok";
  return said === "ok" ? null : `readiness: status_branch: ${said}`;
}
