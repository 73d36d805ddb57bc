// Its provider refuses its credentials: says so and goes.
console.log(JSON.stringify({ type: "failed", reason: "auth" }));
