// Counts Go files with Go's own parser, by the definitions of engine/static_analysis.py.
// count FILE... prints, for each file, [types, imports, [[line, complexity] of each function]].
package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
)

type counter struct {
	files     *token.FileSet
	types     int
	functions []*[2]int
}

// visitor counts what it sees for the function it is in.
type visitor struct {
	*counter
	owner *[2]int
}

func (v visitor) function(at token.Pos) ast.Visitor {
	owner := &[2]int{v.files.Position(at).Line, 1}
	v.functions = append(v.functions, owner)
	return visitor{v.counter, owner}
}

func (v visitor) Visit(node ast.Node) ast.Visitor {
	switch n := node.(type) {
	case *ast.FuncDecl:
		if n.Body != nil {
			return v.function(n.Name.Pos())
		}
	case *ast.FuncLit:
		return v.function(n.Pos())
	case *ast.TypeSpec:
		if !n.Assign.IsValid() {
			v.types++
		}
	case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
		v.owner[1]++
	case *ast.CaseClause:
		if n.List != nil {
			v.owner[1]++
		}
	case *ast.CommClause:
		if n.Comm != nil {
			v.owner[1]++
		}
	case *ast.BinaryExpr:
		if n.Op == token.LAND || n.Op == token.LOR {
			v.owner[1]++
		}
	}
	return v
}

func main() {
	var counts [][3]any
	for _, path := range os.Args[1:] {
		files := token.NewFileSet()
		file, _ := parser.ParseFile(files, path, nil, 0)
		c := &counter{files: files, functions: []*[2]int{}}
		ast.Walk(visitor{c, &[2]int{}}, file)
		counts = append(counts, [3]any{c.types, len(file.Imports), c.functions})
	}
	json.NewEncoder(os.Stdout).Encode(counts)
}
