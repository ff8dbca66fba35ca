/** Reads imports, functions and words of a source file from its syntax tree. */
import { fromFileUrl } from "@std/path";
import ts from "typescript";
import type { SourceFile } from "./sourceFiles.ts";

/** One import or re-export, static or dynamic. */
export interface Import {
  /** The file that imports. */
  path: string;
  /** The specifier in the source. */
  specifier: string;
  /** The path from the root for a relative import, else the specifier. */
  target: string;
  /** Whether it imports only types. */
  typeOnly: boolean;
}

/** A function, and the number of lines of its body. */
export interface MeasuredFunction {
  /** `path:line name`. */
  place: string;
  lines: number;
}

const parsed = new WeakMap<SourceFile, ts.SourceFile>();

/** Every import and re-export of a file: static, dynamic, and of types. */
export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  visit(syntaxOf(file), (node) => {
    const specifier = specifierOf(node);
    if (specifier === undefined) return;
    const target = targetOf(file.path, specifier);
    found.push({ path: file.path, specifier, target, typeOnly: isTypeOnly(node) });
  });
  return found;
}

/**
 * Returns the import cycles among these files, each as its path `a → b → a`. For every file on a cycle
 * it finds the shortest one, and returns each cycle once.
 */
export function importCycles(files: SourceFile[]): string[] {
  const targets = new Map(
    files.map((file) => [file.path, [...new Set(importsOf(file).map(({ target }) => target))]]),
  );
  const cycles = [...targets.keys()].flatMap((path) => {
    const cycle = shortestCycle(path, targets);
    return cycle ? [fromSmallest(cycle)] : [];
  });
  return [...new Set(cycles.map((cycle) => [...cycle, cycle[0]].join(" → ")))].sort();
}

/**
 * Every function of a file with the length of its body. The lines of an inner function count for the
 * outer one too, unless the inner one is a member of an object literal.
 */
export function functionsOf(file: SourceFile): MeasuredFunction[] {
  const syntax = syntaxOf(file);
  const found: MeasuredFunction[] = [];
  visit(syntax, (node) => {
    if (!ts.isFunctionLike(node) || !("body" in node) || !node.body) return;
    const line = syntax.getLineAndCharacterOfPosition(node.getStart(syntax)).line + 1;
    const lines = linesOf(node.body, syntax) - linesOfMembers(node.body, syntax);
    found.push({ place: `${file.path}:${line} ${nameOf(node)}`, lines });
  });
  return found;
}

/**
 * The words of a file's string and template literals, and its names in snake_case (fields of rows and
 * bodies), each with its line. Names in imports are left out.
 */
export function wordsOf(file: SourceFile): { word: string; line: number }[] {
  const syntax = syntaxOf(file);
  const found: { word: string; line: number }[] = [];
  visit(syntax, (node) => {
    if (!isText(node) || specifierOf(node.parent) === node.text) return;
    const line = syntax.getLineAndCharacterOfPosition(node.getStart(syntax)).line + 1;
    const words = node.text.match(/[A-Za-z_]\w*/g) ?? [];
    found.push(...words.map((word) => ({ word, line })));
  });
  return found;
}

/** Literals, and names in snake_case. */
function isText(node: ts.Node): node is ts.LiteralLikeNode | ts.Identifier {
  if (ts.isIdentifier(node)) return node.text.includes("_");
  return ts.isStringLiteralLike(node) || ts.isTemplateHead(node) ||
    ts.isTemplateMiddle(node) || ts.isTemplateTail(node);
}

function syntaxOf(file: SourceFile): ts.SourceFile {
  const known = parsed.get(file);
  if (known) return known;
  const syntax = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
  parsed.set(file, syntax);
  return syntax;
}

function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node);
  ts.forEachChild(node, (child) => visit(child, look));
}

/** The address that a node imports, if it imports one. */
function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    return textOf(node.moduleSpecifier);
  }
  if (ts.isImportTypeNode(node)) {
    return ts.isLiteralTypeNode(node.argument) ? textOf(node.argument.literal) : undefined;
  }
  const isDynamic = ts.isCallExpression(node) &&
    node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return isDynamic ? textOf(node.arguments[0]) : undefined;
}

function textOf(node: ts.Node | undefined): string | undefined {
  return node && ts.isStringLiteralLike(node) ? node.text : undefined;
}

function targetOf(path: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return fromFileUrl(new URL(specifier, `file:///${path}`)).slice(1);
}

/** Whether it is `import type`, or an import in which every name is a type. */
function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportTypeNode(node)) return true;
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  if (!ts.isImportDeclaration(node) || !node.importClause) return false;
  const { importClause: { isTypeOnly, name, namedBindings } } = node;
  if (isTypeOnly) return true;
  return !name && namedBindings !== undefined && ts.isNamedImports(namedBindings) &&
    namedBindings.elements.every((element) => element.isTypeOnly);
}

/** The shortest path from a file back to itself. */
function shortestCycle(start: string, targets: Map<string, string[]>): string[] | undefined {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of targets.get(way.at(-1) ?? start) ?? []) {
      if (next === start) return way;
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

/** The same cycle, beginning with the file that is first in the alphabet. */
function fromSmallest(cycle: string[]): string[] {
  const smallest = [...cycle].sort()[0];
  const start = cycle.findIndex((path) => path === smallest);
  return [...cycle.slice(start), ...cycle.slice(0, start)];
}

function linesOf(node: ts.Node, syntax: ts.SourceFile): number {
  const line = (position: number) => syntax.getLineAndCharacterOfPosition(position).line;
  return line(node.getEnd()) - line(node.getStart(syntax)) + 1;
}

/** The lines of functions that are members of object literals, without their first lines. */
function linesOfMembers(node: ts.Node, syntax: ts.SourceFile): number {
  const member = ts.isMethodDeclaration(node) ? node : memberValue(node);
  const body = member?.body;
  if (body && ts.isObjectLiteralExpression(node.parent)) return linesOf(body, syntax) - 1;
  let lines = 0;
  ts.forEachChild(node, (child) => {
    lines += linesOfMembers(child, syntax);
  });
  return lines;
}

function memberValue(node: ts.Node): ts.ArrowFunction | ts.FunctionExpression | undefined {
  if (!ts.isPropertyAssignment(node)) return undefined;
  const { initializer } = node;
  const isFunction = ts.isArrowFunction(initializer) || ts.isFunctionExpression(initializer);
  return isFunction ? initializer : undefined;
}

function nameOf(node: ts.SignatureDeclaration): string {
  if (node.name) return node.name.getText();
  const { parent } = node;
  const named = ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent);
  return named ? parent.name.getText() : "a function without a name";
}
