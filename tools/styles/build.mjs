// Makes desk/static/components.css: of the components of NL Design System what the desk's templates use, and of the
// design tokens what those and the desk's own style name. `node build.mjs FILE` writes elsewhere.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import postcss from "postcss";
import valueParser from "postcss-value-parser";

const here = dirname(fileURLToPath(import.meta.url));
const desk = join(here, "../../desk");
const { resolve } = createRequire(import.meta.url);

const COMPONENTS = [
  "root", "document", "surface", "heading-1", "heading-2", "heading-3", "heading-4", "paragraph", "link", "button",
  "table", "form-field", "form-fieldset", "form-label", "form-field-description", "form-field-error-message",
  "textbox", "textarea", "select", "alert", "status-badge", "separator", "skip-link",
  "page-header", "page-footer", "nav-bar", "breadcrumb-nav", "button-group",
];

// States that no page of the desk has.
const ABSENT = /(?<!:not\([^)]*):disabled|\[(pattern|inputmode|type=url)/i;

const TYPED = "input:not([type=checkbox], [type=radio], [type=file])";

// A page of plain elements wears the components too. Of no weight, so that any class that a template names comes first.
const ELEMENTS = {
  "utrecht-heading-1": "h1",
  "utrecht-heading-2": "h2",
  "utrecht-heading-3": "h3",
  "utrecht-heading-4": "h4",
  "utrecht-paragraph": "p",
  "utrecht-link": "a[href]",
  "utrecht-link--html-a": "a[href]",
  "utrecht-button": "button, .button",
  "utrecht-table": "table",
  "utrecht-table__header": "thead",
  "utrecht-table__body": "tbody",
  "utrecht-table__row": "tr",
  "utrecht-table__header-cell": "thead th",
  "utrecht-table__cell": "td, tbody th, tfoot th",
  "utrecht-form-fieldset": "fieldset",
  "utrecht-form-fieldset__legend": "legend",
  "utrecht-form-label": "label",
  "utrecht-form-label--checkbox": "label.option",
  "utrecht-textbox": TYPED,
  "utrecht-textbox--html-input": TYPED,
  "utrecht-textarea": "textarea",
  "utrecht-textarea--html-textarea": "textarea",
  "utrecht-select": "select",
  "utrecht-select--html-select": "select",
  "utrecht-separator": "hr",
  // What every page of the desk says in one word.
  "utrecht-button--primary-action": "button:not([class*=utrecht-button--], .quiet, .link), .button:not(.quiet)",
  "utrecht-button--secondary-action": "button.quiet, .button.quiet",
  "utrecht-alert": ".message",
  "utrecht-alert--info": ".message:not(.good, .bad, .warn)",
  "utrecht-alert--ok": ".message.good",
  "utrecht-alert--warning": ".message.warn",
  "utrecht-alert--error": ".message.bad",
  "utrecht-status-badge": ".tag",
  "utrecht-status-badge--neutral": ".tag.blue",
  "utrecht-status-badge--success": ".tag.green",
  "utrecht-status-badge--warning": ".tag.amber",
  "utrecht-status-badge--danger": ".tag.red",
  "utrecht-form-field": ".group",
  "utrecht-form-field--invalid": ".group.wrong",
  "utrecht-form-field-description": ".hint",
  "utrecht-form-field-error-message": ".error",
};

const BANNER = `/*
 * Made by \`make styles\`; do not edit. Of NL Design System:
 * @utrecht/component-library-css, copyright (c) 2020-2024 Frameless B.V., copyright (c) 2021-2024 Gemeente Utrecht;
 * @nl-design-system-unstable/voorbeeld-design-tokens, copyright (c) 2021 NL Design System Community.
 * Licensed under the EUPL-1.2. Changed: only what the desk uses is here, and plain elements wear the components.
 */`;

const read = (path) => readFileSync(path, "utf-8");

function usedClasses() {
  const templates = readdirSync(join(desk, "templates")).map((name) => read(join(desk, "templates", name)));
  return new Set(templates.join("\n").match(/utrecht-[\w-]*\w/g));
}

/** Leaves of a component what the templates can come to. */
function component(name, used) {
  const folder = dirname(resolve(`@utrecht/${name}-css/package.json`));
  const root = postcss.parse(read(join(folder, "dist/index.css")));
  root.walkComments((comment) => comment.remove());
  root.walkAtRules("media", (rule) => {
    rule.params = rule.params.replace("screen and (-ms-high-contrast: active), ", "");
  });
  const known = (found) => used.has(found) || found in ELEMENTS;
  root.walkRules((rule) => {
    const reached = rule.selectors
      .map((selector) => selector.replace(/, \.([\w-]+)(?=[,)])/g, (whole, found) => (known(found) ? whole : "")))
      .map((selector) => selector.replace(/:not\(\.([\w-]+)\)/g, (whole, found) => (known(found) ? whole : "")))
      .filter((selector) => !ABSENT.test(selector))
      .filter((selector) => [...selector.matchAll(/\.([\w-]+)/g)].every(([, found]) => known(found)));
    if (!reached.length) rule.remove();
    else rule.selectors = reached.map((selector) => withElements(selector, used));
  });
  root.walkAtRules((rule) => {
    if (rule.nodes && !rule.nodes.length) rule.remove();
  });
  return root;
}

function withElements(selector, used) {
  const worn = selector.replace(/\.([\w-]+)/g, (whole, found) =>
    found in ELEMENTS ? `:where(${used.has(found) ? `${whole}, ` : ""}${ELEMENTS[found]})` : whole,
  );
  return worn.replace(/:invalid/g, ":user-invalid"); // nobody is wrong before they typed
}

/** A private property that no rule sets is its fallback; a token that the theme has needs none. */
function settle(root, theme) {
  const set = new Set();
  root.walkDecls((declaration) => set.add(declaration.prop));
  let settled = 0;
  root.walkDecls((declaration) => {
    const parsed = valueParser(declaration.value);
    parsed.walk((node) => {
      if (node.type !== "function" || node.value !== "var" || node.nodes.length < 3) return;
      const name = node.nodes[0].value;
      if (theme.has(name)) node.nodes = [node.nodes[0]];
      if (!name.startsWith("--_") || set.has(name)) return;
      node.type = "word";
      node.value = valueParser.stringify(node.nodes.slice(2)).trim();
      settled += 1;
    });
    declaration.value = parsed.toString();
  });
  if (settled) settle(root, theme);
}

const namesIn = (text) => text.match(/(?<=var\(\s*)--[\w-]+/g) ?? [];

function themeOf() {
  const theme = new Map();
  const file = resolve("@nl-design-system-unstable/voorbeeld-design-tokens/dist/theme.css");
  postcss.parse(read(file)).walkDecls((declaration) => theme.set(declaration.prop, declaration.value));
  return theme;
}

/** The tokens that some text names, and those that these name. */
function tokens(text, theme) {
  const named = new Set();
  const left = namesIn(text);
  while (left.length) {
    const name = left.pop();
    if (named.has(name) || !theme.has(name)) continue;
    named.add(name);
    left.push(...namesIn(theme.get(name)));
  }
  return [...named].sort().map((name) => `${name}:${theme.get(name)}`);
}

/** One rule a line, without what a browser does not read. */
function dense(root) {
  root.walk((node) => {
    node.raws = { before: node.type === "decl" ? "" : "\n", between: node.type === "decl" ? ":" : "", after: "" };
    if (node.type === "atrule") node.raws.afterName = " ";
    if (node.type === "decl") node.value = node.value.replace(/\s+/g, " ").replace(/\( | (?=\))|(?<=,) /g, "");
    if (node.type === "rule") node.selector = node.selectors.map((one) => one.replace(/\s+/g, " ")).join(",");
  });
  return root.toString().trim();
}

const used = usedClasses();
const components = postcss.root();
for (const name of COMPONENTS) components.append(component(name, used).nodes);
const theme = themeOf();
settle(components, theme);
const rules = dense(components);
const own = ["theme.css", "desk.css", "pictures.css"].map((name) => read(join(desk, "static", name))).join("\n");
writeFileSync(
  process.argv[2] ?? join(desk, "static/components.css"),
  `${BANNER}\n@layer components {\n:root {\n${tokens(rules + own, theme).join(";\n")}\n}\n${rules}\n}\n`,
);
