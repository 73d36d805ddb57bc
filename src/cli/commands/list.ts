/** Every command by its name, under the headings of `factory --help`. A new one is a file here and a line. */
import type { CommandSpec } from "../command.ts";

type Load = () => Promise<CommandSpec>;

export const COMMANDS: Readonly<Record<string, Readonly<Record<string, Load>>>> = {
  "Write a fleet:": {
    init: async () => (await import("./init.ts")).init,
    new: async () => (await import("./new.ts")).newDocument,
    validate: async () => (await import("./validate.ts")).validate,
    plan: async () => (await import("./plan.ts")).plan,
  },
  "Run it:": {
    run: async () => (await import("./run.ts")).run,
    version: async () => (await import("./version.ts")).version,
    doctor: async () => (await import("./doctor.ts")).doctor,
    demo: async () => (await import("./demo.ts")).demo,
  },
  "Look:": {
    status: async () => (await import("./status.ts")).status,
    why: async () => (await import("./why.ts")).why,
    events: async () => (await import("./events.ts")).events,
    actions: async () => (await import("./actions.ts")).actions,
    logs: async () => (await import("./logs.ts")).logs,
    outputs: async () => (await import("./outputs.ts")).outputs,
    inbox: async () => (await import("./inbox.ts")).inbox,
  },
  "Look at the whole fleet:": {
    scorecard: async () => (await import("./scorecard.ts")).scorecard,
    rollouts: async () => (await import("./rollouts.ts")).rollouts,
    guardrails: async () => (await import("./guardrails.ts")).guardrails,
  },
  "Decide:": {
    decide: async () => (await import("./decide.ts")).decide,
    ack: async () => (await import("./ack.ts")).ack,
    pause: async () => (await import("./pause.ts")).pause,
    resume: async () => (await import("./resume.ts")).resume,
    message: async () => (await import("./message.ts")).message,
    release: async () => (await import("./release.ts")).release,
    closure: async () => (await import("./closure.ts")).closure,
    review: async () => (await import("./review.ts")).review,
  },
  "Stop, whatever else is wrong:": {
    kill: async () => (await import("./kill.ts")).kill,
    drill: async () => (await import("./drill.ts")).drill,
    drills: async () => (await import("./drills.ts")).drills,
    "kill-switch": async () => (await import("./kill-switch.ts")).killSwitch,
  },
  "Keep it going:": {
    verify: async () => (await import("./verify.ts")).verify,
    restore: async () => (await import("./restore.ts")).restore,
    lease: async () => (await import("./lease.ts")).lease,
    "dead-letters": async () => (await import("./dead-letters.ts")).deadLetters,
    token: async () => (await import("./token.ts")).token,
    reconcile: async () => (await import("./reconcile.ts")).reconcile,
    "allow-rewrite": async () => (await import("./allow-rewrite.ts")).allowRewrite,
  },
};

/** Names by which commands were called before. */
export const ALIASES: Readonly<Record<string, string>> = { answer: "message" };
