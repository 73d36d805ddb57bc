/** What becomes of a clone whose mission is closed, as we would decide it. */
import { templateConditions } from "../clone/closing/template.ts";
import type { AfterClosure } from "../model/clone.ts";
import type { ClosedMission } from "../model/clone-state.ts";

export type Choice = Exclude<AfterClosure, "ask">;

export interface Recommendation {
  readonly choice: Choice;
  /** As the end of a sentence that begins with the choice. */
  readonly because: string;
}

/** The file's wish where it has one and the outcome allows it; else what loses least. Nothing is decided by it. */
export function recommendedChoice(
  closed: ClosedMission,
  { wish, interventionsMax }: { readonly wish: AfterClosure; readonly interventionsMax: number },
): Recommendation {
  if (wish === "retire" || wish === "standby")
    return { choice: wish, because: `its file says \`after_closure: ${wish}\`` };
  if (wish === "template") {
    const unmet = templateConditions(closed, interventionsMax).find(({ ok }) => !ok);
    return unmet === undefined
      ? { choice: "template", because: "its file says `after_closure: template`, and it has proven itself" }
      : {
          choice: "standby",
          because: `its file says \`after_closure: template\`, and it cannot become one yet: ${unmet.evidence}`,
        };
  }
  if (closed.outcome === "accepted")
    return { choice: "retire", because: "its mission is accepted, and nothing else waits for it" };
  return {
    choice: "standby",
    because: `its mission is ${closed.outcome}: another run can go on in its workspace`,
  };
}

export const CHOICE_WORDS: Readonly<Record<Choice, string>> = {
  retire: "starts nothing more, and its workspace is put away in the archive",
  standby: "stays as it is, ready for another mission, without any credential",
  template: "stays ready, and its overlays are labelled as a template that is proven",
};
