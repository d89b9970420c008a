// Counts JavaScript and TypeScript files with the TypeScript compiler's parser, by the definitions of engine/static_analysis.py.
// node count.cjs TYPESCRIPT_FOLDER FILE... prints, for each file, [classes, imports, [[line, complexity] of each function]].
'use strict';
const fs = require('node:fs');
const [, , folder, ...files] = process.argv;
const ts = require(folder);
const { SyntaxKind: Kind } = ts;

const DECISIONS = new Set([
  Kind.IfStatement, Kind.ForStatement, Kind.ForInStatement, Kind.ForOfStatement, Kind.WhileStatement, Kind.DoStatement,
  Kind.CaseClause, Kind.CatchClause, Kind.ConditionalExpression,
]);
const OPERATORS = new Set([
  Kind.AmpersandAmpersandToken, Kind.BarBarToken, Kind.QuestionQuestionToken,
  Kind.AmpersandAmpersandEqualsToken, Kind.BarBarEqualsToken, Kind.QuestionQuestionEqualsToken,
]);

function isDecision(node) {
  return DECISIONS.has(node.kind)
    || (ts.isBinaryExpression(node) && OPERATORS.has(node.operatorToken.kind))
    || ((ts.isParameter(node) || ts.isBindingElement(node)) && node.initializer !== undefined)
    || (ts.isShorthandPropertyAssignment(node) && node.objectAssignmentInitializer !== undefined);
}

function isImport(node) {
  return ts.isImportDeclaration(node) || ts.isImportEqualsDeclaration(node)
    || (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)
    || (ts.isCallExpression(node) && (node.expression.kind === Kind.ImportKeyword
      || (ts.isIdentifier(node.expression) && node.expression.text === 'require'
        && node.arguments.length > 0 && ts.isStringLiteral(node.arguments[0]))));
}

function count(file) {
  const text = fs.readFileSync(file, 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const functions = [];
  let classes = 0;
  let imports = 0;
  (function visit(node, owner) {
    if (ts.isFunctionLike(node) && node.body !== undefined) {
      const start = (node.name ?? node).getStart(source);
      owner = [source.getLineAndCharacterOfPosition(start).line + 1, 1];
      functions.push(owner);
    }
    classes += ts.isClassLike(node);
    imports += isImport(node);
    if (isDecision(node) && owner) owner[1] += 1;
    ts.forEachChild(node, (child) => visit(child, owner));
  })(source, undefined);
  return [classes, imports, functions];
}

process.stdout.write(JSON.stringify(files.map(count)));
