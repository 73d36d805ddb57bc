// Its provider makes it wait for a minute; it says so twice and then works until its input ends.
for (let time = 0; time < 2; time++)
  console.log(JSON.stringify({ type: "throttled", retry_after_ms: 60_000, account: "acme" }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(1));
