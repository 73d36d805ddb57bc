#!/usr/bin/env node
/**
 * The command `factory`. Nothing is loaded before the Node version is known to
 * do: an older one would only say that it does not understand a file.
 */
const NODE_MIN = [24, 9] as const;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1])) {
  process.stderr.write(
    `error: factory needs Node ${NODE_MIN.join(".")} or newer, and this is ${process.versions.node} (${process.execPath}). Install it from https://nodejs.org, or run it in the repository with \`npm run factory --\`, which brings its own.\n`,
  );
  process.exitCode = 2;
} else {
  quietSqlite();
  const { runCli } = await import("./cli/cli.ts");
  process.exitCode = await runCli(process.argv.slice(2), {
    // Whoever reads us has closed the pipe: there is nobody left to tell.
    pipeClosed: () => process.exit(0),
  });
}

/** node:sqlite works and is pinned by our tests; that it may still change is nothing for an operator to read at each start. */
function quietSqlite(): void {
  const report = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name === "ExperimentalWarning" && /SQLite/.test(warning.message)) return;
    for (const listener of report) listener.call(process, warning);
  });
}

export {};
