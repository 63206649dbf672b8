// Asks the network for something when it is installed, and installs without an answer as well.
const { writeFileSync } = require("node:fs");
const { connect } = require("node:net");
const { hostname, port } = new URL(process.env.HTTPS_PROXY || process.env.npm_config_registry);

const say = (what) => writeFileSync("said.js", `module.exports = ${JSON.stringify(what)};\n`);
const socket = connect(Number(port) || 443, hostname);
socket.on("connect", () => { say("its script was online"); socket.destroy(); });
socket.on("error", () => say("its script was cut off"));
