// Checks workflows and actions with GitHub's language service.
// stdin: {root, own, standIns, files: [{name, place, text}]}; stdout: [{file, line, severity, message}]
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FeatureFlags } from "@actions/expressions/features";
import { registerLogger, validate } from "@actions/languageservice";
import { TextDocument } from "vscode-languageserver-textdocument";
import { parse } from "yaml";

const request = JSON.parse(readFileSync(0, "utf8"));
const swallowed = [];
const ignore = () => {};
// The service logs its own exceptions and reports a clean file.
registerLogger({ error: (message) => swallowed.push(message), warn: ignore, info: ignore, log: ignore, debug: ignore });

const fileProvider = {
  async getFileContent(reference) {
    if ("repository" in reference && reference.repository !== request.own) throw new Error("not ours");
    return { name: reference.path, content: readFileSync(join(request.root, reference.path), "utf8") };
  },
};

const actionsMetadataProvider = {
  async fetchActionMetadata({ owner, name, path = "" }) {
    const ours = name === request.own;
    const folder = ours ? join(request.root, path) : join(request.standIns, `${owner}-${name}`, path);
    const file = join(folder, "action.yml");
    if (existsSync(file)) return parse(readFileSync(file, "utf8"));
    return ours ? undefined : {}; // {} says that it exists, and nothing of its inputs
  },
};

const found = [];
for (const [number, { name, place, text }] of request.files.entries()) {
  // The number keeps files of one place apart: the service remembers what it parsed by address.
  const document = TextDocument.create(`file:///${number}/${place}`, "yaml", 1, text);
  const featureFlags = new FeatureFlags({ all: true });
  for (const { range, severity = 1, message } of await validate(document, { fileProvider, actionsMetadataProvider, featureFlags })) {
    found.push({ file: name, line: range.start.line + 1, severity, message });
  }
  for (const message of swallowed.splice(0)) found.push({ file: name, line: 1, severity: 1, message: String(message) });
}
process.stdout.write(JSON.stringify(found));
