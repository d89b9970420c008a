// A loader as ts-node and swc are: it compiles on require, and keeps the source map to itself, at the end of what it compiled.
const fs = require('fs');
const ts = require('typescript');

const compilerOptions = { module: 'commonjs', target: 'es2022', inlineSourceMap: true, removeComments: true };
require.extensions['.ts'] = (module, file) => {
  const { outputText } = ts.transpileModule(fs.readFileSync(file, 'utf8'), { fileName: file, compilerOptions });
  module._compile(outputText, file);
};
