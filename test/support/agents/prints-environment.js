// Shows what an agent is given.
console.log(`ENV ${JSON.stringify(process.env)}`);
console.log(`CWD ${process.cwd()}`);
