/** What the machine of these tests can do. CI as root has all of it: `adapters/judge/attacks.test.ts` fails there where it has not. */
import { tmpdir } from "node:os";
import { checkEnvironment } from "../../src/adapters/judge/check.ts";
import { probeContainment } from "../../src/adapters/judge/containment.ts";

/** Whether checks and agents can be shut in. */
export const SHUTS_IN = (await probeContainment(checkEnvironment(tmpdir()))).kind === "sandbox";
