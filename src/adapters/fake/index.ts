export { createFakeSource, type FakeFile, type FakeSource } from "./source.ts";
export { createFakeStatusBranch, type FakeStatusBranch, type FakeStatusCommit } from "./status-branch.ts";
