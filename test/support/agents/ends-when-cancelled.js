// Works until its input ends.
console.log(JSON.stringify({ type: "progress", summary: "working" }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
