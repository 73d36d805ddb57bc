/** A model that mends a failing test: it looks, mends and tests, hands in what it did, and says so. */
import { type FakeModel, startFakeModel } from "../../src/cli/doctor/fake-model/fake-model.ts";
import { mcpCall, type Reply, shellCall, type Turn } from "../../src/cli/doctor/fake-model/turn.ts";

const LOOK = "cat inputs/work/sum.mjs; node --test inputs/work/sum.test.mjs 2>&1 | tail -5";
const MEND =
  "mkdir -p out reports && sed 's/a - b/a + b/' inputs/work/sum.mjs > out/sum.mjs && cp inputs/work/sum.test.mjs out/ && node --test out/sum.test.mjs 2>&1 | tail -8; echo '{\"mended\":true}' > reports/mended.json";

export interface MendingModel extends FakeModel {
  /** Calls of a model, of all that was asked. */
  calls(): FakeModel["asked"];
}

/** `looks`: so many times it looks before it mends. `refuses`: with this status, once it has looked. `asks`: before it looks it does something that needs a word. */
export async function startMendingModel({
  looks = 1,
  refuses = null,
  asks = false,
}: {
  readonly looks?: number;
  readonly refuses?: number | null;
  readonly asks?: boolean;
} = {}): Promise<MendingModel> {
  const model = await startFakeModel((turn) =>
    refuses !== null && turn.results.length > 0
      ? refuses
      : ((asks ? claim(turn) : null) ?? answer(turn, looks)),
  );
  return { ...model, calls: () => model.asked.filter(({ turn }) => turn !== null) };
}

/** Claims until it may, does it once and completes it; null: that is done. Agents put quotes around what a tool answers. */
function claim({ tools, results }: Turn): Reply | null {
  const last = results.filter((text) => text.includes("decision")).at(-1) ?? "";
  const decision = /decision\W+(\w+)/.exec(last)?.[1];
  if (decision === "recorded") return null;
  const key = /key\W+(sha256:[0-9a-f]+)/.exec(last)?.[1];
  return decision === "go" && key !== undefined
    ? mcpCall(tools, "complete_action", { key, outcome: "done" })
    : mcpCall(tools, "claim_action", { action: "external_messaging", target: "ann@example.com" });
}

function answer({ tools, results }: Turn, looks: number): Reply {
  const n = results.filter((text) => !text.includes("decision")).length;
  // A title, or whatever else is asked beside the work.
  if (tools.length === 0) return { type: "text", text: "Mend a sum" };
  if (n < looks) return shellCall(tools, `${LOOK} # look ${n + 1}`) ?? NO_SHELL;
  if (n === looks) return shellCall(tools, MEND) ?? NO_SHELL;
  const handIn = n === looks + 1 ? mcpCall(tools, "submit_artifact", { path: "reports/mended.json" }) : null;
  return handIn ?? { type: "text", text: "The sum is mended: its test passes." };
}

const NO_SHELL: Reply = { type: "text", text: "There is no shell among my tools." };
