import { processContract } from "./contract.ts";

await processContract("group");
