// Does not read its input; has no handler, so SIGTERM ends it.
console.log(JSON.stringify({ type: "progress", summary: "working" }));
setInterval(() => {}, 60_000);
