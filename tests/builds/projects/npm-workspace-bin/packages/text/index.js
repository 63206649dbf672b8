const kleur = require("kleur");

kleur.enabled = false;
exports.heading = (words) => `# ${kleur.bold(words)}`;
