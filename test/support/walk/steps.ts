/** The walk-through, step by step: what a person does, and what the world must look like then. */
import type { Check, Comment } from "../forge/stand-in.ts";
import { BUDGET, CLONE, MISSION, MISSION_FILE, proposal } from "./fleet.ts";
import type { Walk } from "./walk.ts";

/** Something that a person sees. */
export interface Shown {
  /** Where: `The check`, `factory why pay-invoice`. */
  readonly title: string;
  readonly as: "markdown" | "text";
  readonly text: string;
}

export interface Step {
  readonly heading: string;
  /** What is done and what comes of it, for the page. */
  readonly text: string;
  /** Of what `seen` answers, in this order. */
  readonly shows: readonly string[];
  /** By people on the forge. Needs no controller that lives. */
  act(walk: Walk): Promise<void>;
  /** Waits until the world is as it must be, whatever becomes of controllers meanwhile. */
  seen(walk: Walk): Promise<readonly Shown[]>;
}

const BRANCH = MISSION;
const TITLE = "Pay invoice 7";

const propose: Step = {
  heading: "A mission is proposed",
  text: `Ann writes a mission and the clone that is to carry it out, pushes them to a branch and opens a pull request. She has misspelt a field. The check \`factory\` fails, with a note at the line, and a comment says what is wrong and that nothing would start.`,
  shows: ["The check", "At the line"],
  async act(walk) {
    const parent = await walk.origin.head();
    await walk.standIn.push(BRANCH, proposal({ folder: walk.folder, faulty: true }), {
      parent,
      message: TITLE,
    });
    const number = await walk.standIn.openPull("ann", BRANCH, TITLE);
    walk.numbers.set("proposal", number);
    await walk.webhook("pull_request", { action: "opened", pull_request: { number } });
  },
  async seen(walk) {
    const check = await checkOf(walk, BRANCH, "failure");
    await commentOf(walk, (body) => body.includes("objektive"));
    const notes = await walk.standIn.annotations(check.id);
    return [
      { title: "The check", as: "text", text: `✗ ${check.name}: ${check.output.title}` },
      {
        title: "At the line",
        as: "text",
        text: notes
          .filter(({ path }) => path === MISSION_FILE)
          .map(({ path, start_line: line, message }) => `${path}:${line}\n  ${message}`)
          .join("\n"),
      },
    ];
  },
};

const mend: Step = {
  heading: "It is mended, and there is a plan",
  text: "Ann pushes another commit. The check of that commit passes, and the same comment now says what a merge would do: what starts, what it may do, what it may cost, and who has to approve.",
  shows: ["The check", "The comment"],
  async act(walk) {
    const files = proposal({ folder: walk.folder, faulty: false });
    await walk.standIn.push(BRANCH, files, { message: "Spell it right" });
    const number = walk.numbers.get("proposal");
    await walk.webhook("pull_request", { action: "synchronize", pull_request: { number } });
  },
  async seen(walk) {
    const check = await checkOf(walk, BRANCH, "success");
    const comment = await commentOf(walk, (body) => !body.includes("objektive"));
    return [
      { title: "The check", as: "text", text: `✓ ${check.name}: ${check.output.title}` },
      { title: "The comment", as: "markdown", text: comment.body },
    ];
  },
};

const approve: Step = {
  heading: "It is approved and merged, and starts",
  text: "Ben has read the plan, approves the pull request and merges it. The controller asks the forge who has approved what it obeys, and starts the clone; every gate that it passed is on record.",
  shows: ["`factory why pay-invoice`"],
  async act(walk) {
    const number = walk.numbers.get("proposal") ?? 0;
    await walk.standIn.review("ben", number, "APPROVE");
    await walk.webhook("pull_request_review", { action: "submitted", pull_request: { number } });
    await walk.standIn.merge("ben", number, "squash");
    await walk.webhook("push", { ref: "refs/heads/main" });
  },
  async seen(walk) {
    await walk.until(
      `${MISSION} to begin`,
      () => walk.lines("world.txt"),
      (lines) => lines.length > 0,
    );
    const why = await walk.until(
      "the reasons",
      () => walk.factory("why", MISSION),
      (text) => text.includes("approved by ben") && text.includes("MissionAccepted"),
    );
    return [{ title: "`factory why pay-invoice`", as: "text", text: `${why.split("\nSet by\n")[0]}\n…` }];
  },
};

const ask: Step = {
  heading: "It asks for more money",
  text: `At ${BUDGET.pausePercent} percent of its ${BUDGET.maxCostUsd} USD the agent is paused, and a person is asked.`,
  shows: ["`factory inbox`"],
  async act() {},
  async seen(walk) {
    const inbox = await walk.until(
      "the question",
      () => walk.factory("inbox"),
      (text) => text.includes(`${MISSION}.budget.1`),
    );
    return [{ title: "`factory inbox`", as: "text", text: inbox }];
  },
};

const raise: Step = {
  heading: "The limit is raised, and it goes on",
  text: `Somebody decides; the same agent goes on where it was, and hands in what it was asked for.`,
  shows: ["`factory status pay-invoice`"],
  async act(walk) {
    await walk.until(
      "the decision",
      async () => {
        // It may be recorded although its answer was lost with the controller.
        const mission = await walk.client().call("mission", { name: MISSION });
        if (mission?.budget.maxCostUsd !== BUDGET.raisedTo)
          await walk.factory("decide", `${MISSION}.budget.1`, "--raise", `max_cost_usd=${BUDGET.raisedTo}`);
        return true;
      },
      () => true,
    );
  },
  async seen(walk) {
    const status = await walk.until(
      `${MISSION} to be over`,
      () => walk.factory("status", MISSION),
      (text) => /^closed .*accepted$/m.test(text),
    );
    return [{ title: "`factory status pay-invoice`", as: "text", text: status }];
  },
};

const report: Step = {
  heading: "What became of it",
  text: "Report, scorecard and board stand on the status branch, for everybody who has the repository and nothing else.",
  shows: ["`git show factory/status:missions/pay-invoice/closure.md`"],
  async act() {},
  async seen(walk) {
    const text = await walk.until(
      "the closure report",
      () => walk.world.status(`missions/${MISSION}/closure.md`),
      (found) => found.includes("**ACCEPTED**"),
    );
    return [{ title: `\`git show factory/status:missions/${MISSION}/closure.md\``, as: "markdown", text }];
  },
};

export const STEPS: readonly Step[] = [propose, mend, approve, ask, raise, report];

/** The newest check of ours on a branch, once it is over. */
async function checkOf(walk: Walk, branch: string, conclusion: string): Promise<Check> {
  const commit = (await walk.origin.head(branch)) ?? "";
  const found = await walk.until(
    `the check of ${branch} to be ${conclusion}`,
    async () => (await walk.standIn.checks(commit)).find(({ name }) => name === "factory") ?? null,
    (check) => check.status === "completed" && check.conclusion === conclusion,
  );
  return found;
}

async function commentOf(walk: Walk, holds: (body: string) => boolean): Promise<Comment> {
  const number = walk.numbers.get("proposal") ?? 0;
  return walk.until(
    `the comment of #${number}`,
    async () => (await walk.standIn.comments(number))[0] ?? null,
    ({ body }) => holds(body),
  );
}

export const WALKS_CLONE = CLONE;
