#!/bin/sh
# junit-to-ctrf drops why a test was skipped, and the moment at which the suite began.
#
# A good guess: the message of <skipped> becomes the message of the test, as that of <failure> and <error> does;
# and `timestamp` of <testsuite> becomes `start`, since CTRF asks for `start` and `stop` in its summary.
# Behaviour: the test that was skipped has no message, and `start` and `stop` are 0.
#
# Needs Node.js, npm and the network. Ends with status 1 where the behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --prefix "$folder" --no-audit --no-fund --loglevel=error junit-to-ctrf@0.0.14
cat >"$folder/junit.xml" <<'XML'
<testsuites>
  <testsuite name="one" tests="2" failures="1" errors="0" skipped="1" timestamp="2026-01-31T12:00:00+00:00">
    <testcase name="first" time="0.1"><failure message="it failed" type="FAIL">text</failure></testcase>
    <testcase name="second" time="0.1"><skipped message="not here" /></testcase>
  </testsuite>
</testsuites>
XML
"$folder/node_modules/.bin/junit-to-ctrf" "$folder/junit.xml" -o "$folder/ctrf.json" >"$folder/told"
node - "$folder" <<'SCRIPT'
const { readFileSync } = require("node:fs");
const folder = process.argv[2];
const read = (name) => JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
console.log("junit-to-ctrf", read("node_modules/junit-to-ctrf/package.json").version);
const { summary, tests } = read("ctrf.json").results;
console.log("summary", JSON.stringify(summary));
console.log("tests", JSON.stringify(tests));
const [failed, skipped] = tests;
const asSeen = failed.message === "it failed" && skipped.status === "skipped" && !("message" in skipped);
process.exit(asSeen && summary.start === 0 && summary.stop === 0 ? 0 : 1);
SCRIPT
