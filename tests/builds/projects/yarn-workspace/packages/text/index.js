const kleur = require("kleur");

kleur.enabled = false;
exports.heading = (text) => `# ${kleur.bold(text)}`;
