import { createControllerClient } from "../../adapters/http/client.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { ForgeView } from "../../core/status/forge.ts";
import { controllerAddress, type Globals } from "../place.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

/** Whether a controller answers, and what it says about itself. None is fine for a machine that only writes fleets. */
export async function checkController(globals: Globals): Promise<readonly Finding[]> {
  try {
    const client = createControllerClient(controllerAddress(globals));
    const { ready, checks } = await client.readiness();
    const bad = Object.entries(checks).filter(([, said]) => said !== "ok");
    // Readiness is open to everybody; this asks with the token.
    const { installation, approvals, forge } = await client.call("fleet");
    const asked = approvals.asked
      ? ok("approvals", approvals.message)
      : warn(
          "approvals",
          `${approvals.message}: whoever can write to the branch can start missions`,
          "declare `forge` and `approvals: {mode: forge}` in fleet.yaml, and let nobody but the forge write to the branch",
        );
    const reviewed = forge === null ? [] : [forgeFinding(forge)];
    if (ready && bad.length === 0) return [ok("controller", `${installation} is ready`), asked, ...reviewed];
    const text = bad.map(([name, said]) => `${name}: ${said}`).join("; ");
    return [
      warn("controller", `${installation} answers; ${text}`, "see `factory status` and the controller's log"),
      asked,
      ...reviewed,
    ];
  } catch (error) {
    if (!(error instanceof FactoryError)) throw error;
    if (error.code === "controller/unreachable") {
      return [warn("controller", error.message, "start one with `factory run`")];
    }
    if (error.code === "controller/unproven" || error.code === "controller/url")
      return [fail("controller", error.message, "see who listens there; nothing was sent")];
    return [
      fail(
        "controller",
        error.message,
        "use the operator token of its data directory, with --token or --data",
      ),
    ];
  }
}

/** How the forge is reached, and what our credential is not allowed to do there. */
function forgeFinding({ name, condition, shownAs, pulls, closures }: ForgeView): Finding {
  const { status, reason, message } = condition;
  if (status === "False")
    return warn(
      "forge",
      `${name}: ${reason}: ${message}`,
      "see `spec.forge` of fleet.yaml and its credential",
    );
  const failed = closures.find(({ state }) => state === "failed");
  if (failed !== undefined)
    return warn(
      "forge",
      `${name}: the closure of ${failed.mission} run ${failed.run} cannot be asked about: ${failed.message}`,
      "let git push `factory/closure/*` and the credential write pull requests, or set `closures: command_line` in spec.forge",
    );
  if (shownAs === "status")
    return warn(
      "forge",
      `${name}: the credential may not write checks, so problems are shown without their lines, and a merge queue with statuses`,
      "give it `checks: write`: a GitHub App can have it",
    );
  if (status === "Unknown") return ok("forge", `${name}: ${message}`);
  return ok(
    "forge",
    `${name} is reached; ${pulls.length} open pull requests, ${closures.length} closures to decide`,
  );
}
