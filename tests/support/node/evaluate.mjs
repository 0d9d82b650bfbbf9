// Evaluates expressions with GitHub's own evaluator.
// stdin: [{expression, condition, status, context}]; stdout: [{value, text, truthy} | {error}]
// A condition without a status function counts only on success, as on GitHub. `status` is what the jobs or steps
// before came to: success, failure, cancelled or skipped.
import { readFileSync } from "node:fs";
import { Evaluator, Lexer, Parser, data } from "@actions/expressions";
import { truthy } from "@actions/expressions/result";
import { ensureStatusFunction } from "@actions/workflow-parser/model/converter/if-condition";

const CONTEXTS = ["github", "inputs", "vars", "needs", "strategy", "matrix", "steps", "job", "jobs", "runner", "env", "secrets"];
const STATUS = ["success", "failure", "cancelled", "always"];
const allowedContext = [...CONTEXTS, ...STATUS.map((name) => `${name}(0,0)`)];

function functions(status) {
  const given = (name) => new data.BooleanData(name === "always" || name === status);
  return new Map(STATUS.map((name) => [name, { name, minArgs: 0, maxArgs: 0, call: () => given(name) }]));
}

function evaluate({ expression, condition, status, context }) {
  const text = condition ? ensureStatusFunction(expression, { allowedContext }) : expression;
  const given = functions(status);
  const tree = new Parser(new Lexer(text).lex().tokens, CONTEXTS, [...given.values()]).parse();
  const values = JSON.parse(JSON.stringify(context), data.reviver);
  const result = new Evaluator(tree, values, given).evaluate();
  return {
    value: JSON.parse(JSON.stringify(result, data.replacer)),
    text: result.coerceString(),
    truthy: truthy(result),
  };
}

const answers = JSON.parse(readFileSync(0, "utf8")).map((question) => {
  try {
    return evaluate(question);
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
});
process.stdout.write(JSON.stringify(answers));
