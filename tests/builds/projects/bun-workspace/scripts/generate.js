const { writeFileSync } = require("node:fs");

writeFileSync("generated.json", JSON.stringify({ by: "postinstall" }));
