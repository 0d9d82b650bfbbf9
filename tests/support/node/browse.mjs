// Drives Chromium for a test, which says what to do line by line.
// argv: path of Chromium, further flags; stdin: one {do, ...} per line; stdout: one {value} or {error} per line.
import { createInterface } from "node:readline";
import axe from "axe-core";
import { chromium } from "playwright-core";

const [executablePath, ...flags] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: flags });
let context, page, seen;

// When the page's own script has drawn its rows, and what its policy refused.
function watch() {
  window.watched = { refused: [] };
  document.addEventListener("securitypolicyviolation", (event) => {
    window.watched.refused.push(`${event.effectiveDirective} ${event.blockedURI}`);
  });
  new MutationObserver((_, observer) => {
    if (!document.documentElement?.dataset.ready) return;
    window.watched.ready = performance.now();
    requestAnimationFrame(() => setTimeout(() => { window.watched.drawn = performance.now(); }));
    observer.disconnect();
  }).observe(document, { attributes: true, childList: true, subtree: true });
}

const actions = {
  async open({ url, scheme = "light", width = 1280, height = 900, javaScript = true }) {
    seen = { requests: [], errors: [], dialogs: [], pages: 0 };
    context = await browser.newContext({ colorScheme: scheme, viewport: { width, height }, javaScriptEnabled: javaScript });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    context.on("request", (request) => seen.requests.push(request.url()));
    context.on("page", () => { seen.pages += 1; });
    page = await context.newPage();
    page.on("console", (message) => { if (message.type() === "error") seen.errors.push(message.text()); });
    page.on("pageerror", (error) => seen.errors.push(String(error)));
    page.on("dialog", (dialog) => { seen.dialogs.push(dialog.message()); return dialog.dismiss(); });
    if (javaScript) await page.addInitScript(watch);
    await page.goto(url, { waitUntil: "load" });
  },
  close: () => context.close(),
  seen: async () => ({ ...seen, ...(await page.evaluate(() => window.watched)) }),
  read: ({ script }) => page.evaluate(script),
  async press({ keys }) { for (const key of keys) await page.keyboard.press(key); },
  type: ({ text }) => page.keyboard.type(text),
  click: ({ selector }) => page.click(selector),
  async pick({ selector, value }) { await page.selectOption(selector, { value }); },
  hover: ({ selector }) => page.hover(selector),
  media: ({ options }) => page.emulateMedia(options),
  pdf: async ({ path }) => { await page.pdf({ path, format: "A4" }); },
  picture: async ({ path }) => { await page.screenshot({ path }); },
  async axe() {
    await page.evaluate(axe.source);
    const { violations, passes } = await page.evaluate(() => window.axe.run());
    const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 5).join(" | ")}`);
    return { violations: told, passes: passes.map(({ id }) => id) };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...rest } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await actions[name](rest)) ?? null };
  } catch (error) {
    answer = { error: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
