import type { ThreadEvent } from "../../model/fleet-event.ts";
import { sameValue } from "../../model/same.ts";
import { NO_THREADS, type ShownThread, THREADS_KEPT_MAX, type ThreadsState } from "../../model/thread.ts";
import { type FleetRules, ignored } from "../event-rules.ts";

export const THREAD_EVENTS: FleetRules<ThreadsState | undefined, ThreadEvent["type"]> = {
  "threads.begun": {
    on: (part, _event, at) =>
      part === undefined ? { ...NO_THREADS, since: at } : ignored("they are obeyed since before"),
    describe: () => "what people write in comments is obeyed from here on",
  },
  "thread.shown": {
    on(part = NO_THREADS, { key, thread }) {
      const { [key]: before, ...others } = part.shown;
      return before !== undefined && sameValue(before, thread)
        ? ignored("it stands there like this")
        : { ...part, shown: kept({ ...others, [key]: thread }) };
    },
    describe: ({ thread: { subject, number, open, questions } }) =>
      open
        ? `of ${subject} ${questions.map(({ id }) => id).join(", ")} ${questions.length === 1 ? "stands" : "stand"} in #${number}`
        : `nothing waits in #${number} of ${subject}`,
  },
};

function kept(shown: Readonly<Record<string, ShownThread>>): Readonly<Record<string, ShownThread>> {
  const keys = Object.keys(shown);
  if (keys.length <= THREADS_KEPT_MAX) return shown;
  const oldest = keys.find((key) => shown[key]?.open === false) ?? keys[0] ?? "";
  const { [oldest]: _forgotten, ...others } = shown;
  return others;
}
