export { createFakeInCoreLane, type FakeInCoreLane } from "./in-core-lane.ts";
export { createFakeProposals, type FakeProposals } from "./proposals.ts";
export { createFakeSource, type FakeFile, type FakeSource } from "./source.ts";
export { createFakeStatusBranch, type FakeStatusBranch, type FakeStatusCommit } from "./status-branch.ts";
