import { createControllerClient } from "../../adapters/http/client.ts";
import { FactoryError } from "../../core/model/error.ts";
import { controllerAddress, type Globals } from "../place.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

/** Whether a controller answers, and what it says about itself. None is fine for a machine that only writes fleets. */
export async function checkController(globals: Globals): Promise<readonly Finding[]> {
  try {
    const client = createControllerClient(controllerAddress(globals));
    const { ready, checks } = await client.readiness();
    const bad = Object.entries(checks).filter(([, said]) => said !== "ok");
    // Readiness is open to everybody; this asks with the token.
    const { installation, approvals } = await client.call("fleet");
    const asked = approvals.asked
      ? ok("approvals", approvals.message)
      : warn(
          "approvals",
          `${approvals.message}: whoever can write to the branch can start missions`,
          "declare `forge` and `approvals: {mode: forge}` in fleet.yaml, and let nobody but the forge write to the branch",
        );
    if (ready && bad.length === 0) return [ok("controller", `${installation} is ready`), asked];
    const text = bad.map(([name, said]) => `${name}: ${said}`).join("; ");
    return [
      warn("controller", `${installation} answers; ${text}`, "see `factory status` and the controller's log"),
      asked,
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
