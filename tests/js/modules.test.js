/** What the trial page's scripts and styles may weigh and how they may import: checked on the files themselves. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const FOLDER = new URL("../../studyapp/static/studyapp/", import.meta.url);
const MOST_BYTES = 60_000;

/** A module and all that it imports. */
function modulesOf(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  const text = readFileSync(new URL(`js/${name}`, FOLDER), "utf8");
  for (const [, imported] of text.matchAll(/^(?:import|export)\b[^;]*?from "\.\/([\w.]+)";$/gm)) modulesOf(imported, found);
  return found;
}

const page = readFileSync(new URL("../../studyapp/templates/study/test.html", import.meta.url), "utf8");

test("the trial page's scripts and styles weigh at most 60 kB as they are", () => {
  const scripts = [...modulesOf("sitting.js")].map((name) => `js/${name}`);
  const styles = [...page.matchAll(/'studyapp\/(css\/[\w.]+)'/g)].map(([, path]) => path);
  assert.ok(styles.length > 0);
  const bytes = [...scripts, ...styles].reduce((sum, path) => sum + readFileSync(new URL(path, FOLDER)).length, 0);
  assert.ok(bytes <= MOST_BYTES, `${bytes} bytes in ${scripts.length} modules and ${styles.length} styles`);
});

test("the trial page asks for every module at once, not one after the other", () => {
  const preloaded = new Set([...page.matchAll(/modulepreload" href="{% static 'studyapp\/js\/([\w.]+)'/g)].map(([, name]) => name));
  const needed = modulesOf("sitting.js");
  needed.delete("sitting.js");
  assert.deepEqual([...preloaded].sort(), [...needed].sort());
});

test("every import is one that hashed file names can be written into", () => {
  for (const entry of ["sitting.js", "screen.js", "examples.js", "diagnostics.js", "how.js", "thanks.js"]) {
    for (const name of modulesOf(entry)) {
      const text = readFileSync(new URL(`js/${name}`, FOLDER), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
      for (const line of text.split("\n").filter((line) => /^\s*(import|export .* from)\b/.test(line))) {
        assert.match(line, /^import \{[^}]*\} from "\.\/[\w]+\.js";$/, `${name}: ${line}`);
      }
    }
  }
});

test("no script holds a sentence for people: they come translated, with the page or from the server", () => {
  for (const entry of ["sitting.js", "screen.js", "examples.js", "diagnostics.js", "how.js", "thanks.js"]) {
    for (const name of modulesOf(entry)) {
      const code = readFileSync(new URL(`js/${name}`, FOLDER), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
      assert.doesNotMatch(code, /["'`][A-Z][a-z]* [a-z]/, name);
    }
  }
});
