const { heading } = require("@example/text");
const kleur = require("kleur/package.json");
const ms = require("ms");

console.log(heading("layer cache"), "a year is", ms("1y"), "ms", require("ms/package.json").version, "kleur", kleur.version);
