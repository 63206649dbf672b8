const { startCase } = require("lodash");

exports.heading = (words) => `# ${startCase(words)}`;
