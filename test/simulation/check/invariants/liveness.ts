/** What has to come about once nothing disturbs it any more. */
import { FINE, type Finding, found, type Invariant } from "../fact.ts";

/** In calm every mission closes, or is held with reasons that `why` names. */
const everyMissionCloses: Invariant = {
  name: "every-mission-closes",
  promise: "in calm every mission closes, or is held with a reason that `why` names",
  facts: [],
  watch() {
    return {
      at({ unfinished }) {
        const findings: Finding[] = [];
        for (const { mission, reasons, explained } of unfinished ?? FINE_UNFINISHED) {
          if (reasons.length === 0)
            findings.push(...found(null, null, `mission ${mission} is neither closed nor held`));
          const silent = reasons.filter((reason) => !explained.includes(reason));
          if (silent.length > 0)
            findings.push(
              ...found(
                null,
                null,
                `mission ${mission} is held by ${silent.join(", ")}, which \`why\` does not name`,
              ),
            );
        }
        return findings.length === 0 ? FINE : findings;
      },
    };
  },
};

const FINE_UNFINISHED: readonly never[] = [];

export const LIVENESS_INVARIANTS: readonly Invariant[] = [everyMissionCloses];
