import { join } from "node:path";
import { createStatusBranch } from "../../../src/adapters/git/status-branch.ts";
import { type StatusBranchUnderTest, statusBranchContract } from "../../contract/status-branch.ts";
import { createFakeStatusBranch } from "../../support/fake/index.ts";
import { createOrigin, createScratch } from "../../support/git.ts";
import { type Fault, type GitRequest, serveGit } from "../../support/git-server.ts";

statusBranchContract({ name: "git, http", newBranch: overGit });
statusBranchContract({ name: "fake", newBranch: async () => overMemory() });

const BRANCH = "factory/status";

async function overGit(): Promise<StatusBranchUnderTest> {
  const scratch = await createScratch("status-contract");
  const origin = await createOrigin({ directory: scratch.path });
  await origin.commit({ "fleet.yaml": "a" });
  const server = await serveGit({ root: scratch.path });
  const clock = { now: () => 0, sleep: () => Promise.reject(new Error("no waiting here")) };
  const branch = createStatusBranch({
    url: server.url(origin.path),
    directory: join(scratch.path, "status"),
    clock,
  });
  const atNextPush = (method: string, fault: () => Fault) => {
    const isPush = (request: GitRequest) =>
      request.service === "git-receive-pack" && request.method === method;
    server.setFault((request) => {
      if (!isPush(request)) return null;
      server.setFault(null);
      return fault();
    });
  };
  return {
    branch,
    files: async () => Object.fromEntries(await origin.files(BRANCH)),
    log: () => origin.log(BRANCH),
    write: (files) => origin.commit(files, { branch: BRANCH }),
    overtake: async (files) =>
      atNextPush("GET", () => ({ type: "delay", until: origin.commit(files, { branch: BRANCH }) })),
    loseAnswer: async () => atNextPush("POST", () => ({ type: "lose-answer" })),
    async refuse(trouble) {
      server.setFault(trouble === "network" ? () => ({ type: "reset" }) : null);
      await origin.hook("pre-receive", `exit ${trouble === "protected" ? 1 : 0}`);
    },
    async dispose() {
      await server.close();
      await scratch.remove();
    },
  };
}

function overMemory(): StatusBranchUnderTest {
  const branch = createFakeStatusBranch();
  return {
    branch,
    files: async () => Object.fromEntries(branch.files),
    log: async () => branch.commits.map((commit) => commit.id).reverse(),
    write: async (files) => branch.write(files),
    overtake: async (files) => branch.overtake(files),
    loseAnswer: async () => branch.loseAnswers(1),
    refuse: async (trouble) => branch.refuse(trouble),
    dispose: async () => {},
  };
}
