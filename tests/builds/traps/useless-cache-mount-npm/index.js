const { shuffle, sortBy } = require("lodash");
const semver = require("semver");

const order = (versions) => sortBy(shuffle(versions), [(version) => semver.major(version)]);

module.exports = { order };

if (require.main === module) {
  console.log("order", order(["3.0.0", "1.5.2", "2.1.0"]).join(" < "), "lodash", require("lodash/package.json").version);
}
