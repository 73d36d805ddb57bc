/**
 * What a contract says and nobody keeps. It is said at its line, by `factory validate` and in every plan, so that no
 * reviewer takes a wish for a control.
 */
import type { PathStep } from "../documents/positions.ts";
import type { CloneDocument } from "../documents/schema/clone.ts";
import type { Finding } from "../documents/schema/explain.ts";
import type { MissionDocument } from "../documents/schema/mission.ts";

type ToolList = "allowed_tools" | "forbidden_tools";

/** Something that really keeps a tool from an agent, by what is known of its clone. */
interface ToolKeeper {
  readonly list: ToolList;
  keeps(tool: string, clone: CloneDocument["spec"]): boolean;
}

/** None yet. What makes a list hold, such as an isolation without a network, has its entry here and its test beside it. */
const TOOL_KEEPERS: readonly ToolKeeper[] = [];

/** Tools that the contract allows or forbids, and that the agent of this clone could use or not use all the same. */
export function toolsNotEnforced(
  { spec }: MissionDocument,
  clone: CloneDocument["spec"] | null,
  keepers: readonly ToolKeeper[] = TOOL_KEEPERS,
): Finding[] {
  const lists: readonly ToolList[] = ["allowed_tools", "forbidden_tools"];
  return lists.flatMap((list) =>
    spec.constraints[list].flatMap((tool, index) => {
      const kept = clone !== null && keepers.some((one) => one.list === list && one.keeps(tool, clone));
      const asked = clone?.agent.adapter === "acp";
      return kept ? [] : [notEnforced(list, tool, { path: ["spec", "constraints", list, index], asked })];
    }),
  );
}

/** `asked`: its agent asks before it uses a tool, and is answered by the contract. */
function notEnforced(
  list: ToolList,
  tool: string,
  { path, asked }: { readonly path: readonly PathStep[]; readonly asked: boolean },
): Finding {
  return {
    path,
    severity: "warning",
    reason: "NotEnforced",
    message: asked ? MESSAGES_ASKED[list] : MESSAGES[list],
    found: tool,
    expected: "`approval_required` for actions, or an isolation that takes the tool away",
  };
}

const MESSAGES: Readonly<Record<ToolList, string>> = {
  forbidden_tools:
    "nothing keeps the agent from this tool: it is told in the envelope, and may use it all the same",
  allowed_tools:
    "nothing keeps the agent to these tools: they are told in the envelope, and it may use others",
};

const MESSAGES_ASKED: Readonly<Record<ToolList, string>> = {
  forbidden_tools:
    "the agent is refused this tool when it asks for it; nothing keeps it from using it without asking",
  allowed_tools:
    "the agent is refused other tools when it asks for them; nothing keeps it from using them without asking",
};
