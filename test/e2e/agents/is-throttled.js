// Its provider makes it wait: is-throttled.js <milliseconds>. Then it works until its input ends.
console.log(JSON.stringify({ type: "throttled", retry_after_ms: Number(process.argv[2]), account: "acme" }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
