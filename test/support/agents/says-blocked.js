// Is blocked for a reason, and then waits for the end of its input.
console.log(JSON.stringify({ type: "blocked", reason: "no credentials for the registry", needs: "a token" }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
