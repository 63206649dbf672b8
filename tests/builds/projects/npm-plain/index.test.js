const assert = require("node:assert");
const { test } = require("node:test");
const { order } = require("./index.js");

test("major versions ascend", () => assert.deepStrictEqual(order(["2.0.0", "1.9.9"]), ["1.9.9", "2.0.0"]));
