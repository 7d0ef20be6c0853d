// Holds octets against the grammar with two tools of npm that take the first alternative that matches: apg-js, and the
// package abnf with peggy.  node match.mjs MODULES GRAMMAR < SAMPLES, where SAMPLES is a list, in JSON, of a rule and
// octets as hexadecimal digits.  Prints what each tool says of each sample, as JSON: {"apg-js": [true, ...], "abnf": [...]}
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, path] = process.argv.slice(2);
const require = createRequire(join(modules, "from-here.js"));
const load = (name) => import(pathToFileURL(require.resolve(name)));
const grammar = readFileSync(path, "latin1");
const samples = JSON.parse(readFileSync(0, "utf8")).map(([rule, hex]) => [rule, Buffer.from(hex, "hex")]);

const { apgApi, apgLib } = require("apg-js");
const generator = new apgApi(grammar);
generator.generate();
if (generator.errors.length) throw new Error(generator.errorsToAscii());
const tables = generator.toObject();
const withApg = (rule, octets) => new apgLib.parser().parse(tables, rule, [...octets]).success;

const { parseString } = await import(pathToFileURL(join(modules, "abnf", "lib", "abnf.js")));
const { default: peggy } = await load("peggy");
const starts = [...new Set(samples.map(([rule]) => rule))];
const source = parseString(grammar, path, false).toFormat({ format: "peggy", startRule: starts });
const parser = peggy.generate(source, { allowedStartRules: ["*"] });
const withPeggy = (rule, octets) => {
  try {
    parser.parse(octets.toString("latin1"), { startRule: rule.replaceAll("-", "_") });
    return true;
  } catch (error) {
    if (error.name !== "SyntaxError") throw error;
    return false;
  }
};

const said = (tool) => samples.map(([rule, octets]) => tool(rule, octets));
process.stdout.write(JSON.stringify({ "apg-js": said(withApg), abnf: said(withPeggy) }));
