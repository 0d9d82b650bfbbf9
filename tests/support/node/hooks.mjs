// GitHub builds its packages for bundlers: they import JSON without saying so. The packages lie in the cache.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const packages = pathToFileURL(join(process.env.NODE_PACKAGES, "index.mjs")).href;
const scripts = new URL(".", import.meta.url).href;

export function resolve(specifier, context, next) {
  const ours = context.parentURL?.startsWith(scripts) && /^[@a-z]/.test(specifier) && !specifier.startsWith("node:");
  return next(specifier, ours ? { ...context, parentURL: packages } : context);
}

export async function load(url, context, next) {
  if (!url.endsWith(".json")) return next(url, context);
  const text = await readFile(fileURLToPath(url), "utf8");
  return { format: "module", shortCircuit: true, source: `export default ${text}` };
}
