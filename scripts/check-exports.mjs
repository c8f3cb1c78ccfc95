/**
 * Checks what packages export: every export of every entry point has a docstring, and no exported type mentions
 * `any`. Reads the built declarations, so it runs after the build.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const directories = ['packages', 'apps'].flatMap((parent) =>
  readdirSync(join(root, parent)).map((name) => join(root, parent, name)),
);
const entries = directories.flatMap((directory) => {
  const { exports = {} } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  return Object.values(exports).map(({ types }) => join(directory, types));
});
const missing = entries.filter((entry) => !existsSync(entry));
if (missing.length > 0) {
  process.stderr.write(`exports: not built: ${missing.map((file) => relative(root, file)).join(', ')}\n`);
  process.exit(1);
}

const program = ts.createProgram(entries, {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  skipLibCheck: true,
  types: ['node'],
});
const checker = program.getTypeChecker();
const problems = [];
let count = 0;

for (const entry of entries) {
  const source = program.getSourceFile(entry);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) continue; // an entry without exports, such as a worker
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const declarations = symbol.declarations ?? [];
    if (declarations.some(isForeign)) continue;
    count++;
    const where = `${relative(root, entry)}: ${exported.name}`;
    if (symbol.getDocumentationComment(checker).length === 0) problems.push(`${where} has no docstring`);
    for (const declaration of declarations) {
      if (mentionsAny(declaration)) problems.push(`${where} mentions any`);
    }
  }
}

if (problems.length > 0) {
  for (const problem of new Set(problems)) process.stderr.write(`${problem}\n`);
  process.exit(1);
}
process.stdout.write(
  `exports: ${count} exports of ${entries.length} entry points are documented and free of any\n`,
);

/** Generated message types and other packages' declarations are not ours to document. */
function isForeign(declaration) {
  const { fileName } = declaration.getSourceFile();
  return fileName.includes('/node_modules/') || /_pb\.d\.ts$/.test(fileName);
}

function mentionsAny(node) {
  if (node.kind === ts.SyntaxKind.AnyKeyword) return true;
  return ts.forEachChild(node, (child) => mentionsAny(child) || undefined) ?? false;
}
