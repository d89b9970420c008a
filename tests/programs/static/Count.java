// Counts Java files with javac's parser, by the definitions of engine/static_analysis.py.
// java Count.java FILE... prints, for each file, [classes, imports, [[line, complexity] of each function]].

import com.sun.source.tree.*;
import com.sun.source.util.*;
import java.io.File;
import java.util.*;
import javax.tools.*;

public class Count {
    public static void main(String[] arguments) throws Exception {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null);
        StringJoiner counts = new StringJoiner(",", "[", "]");
        for (String argument : arguments) {
            JavacTask task = (JavacTask) compiler.getTask(
                    null, files, diagnostic -> { }, List.of("-proc:none"), null, files.getJavaFileObjects(new File(argument)));
            for (CompilationUnitTree unit : task.parse()) {
                counts.add(new Counter(unit, Trees.instance(task).getSourcePositions()).count());
            }
        }
        System.out.println(counts);
    }
}

class Counter extends TreeScanner<Void, int[]> {
    private final CompilationUnitTree unit;
    private final SourcePositions positions;
    private final List<int[]> functions = new ArrayList<>();
    private int classes;

    Counter(CompilationUnitTree unit, SourcePositions positions) {
        this.unit = unit;
        this.positions = positions;
    }

    String count() {
        scan(unit, new int[2]);
        StringJoiner spans = new StringJoiner(",", "[", "]");
        functions.forEach(function -> spans.add("[" + function[0] + "," + function[1] + "]"));
        return "[" + classes + "," + unit.getImports().size() + "," + spans + "]";
    }

    @Override
    public Void visitClass(ClassTree node, int[] owner) {
        classes += node.getSimpleName().length() > 0 ? 1 : 0;
        return super.visitClass(node, owner);
    }

    @Override
    public Void visitMethod(MethodTree node, int[] owner) {
        if (node.getBody() == null) {
            return super.visitMethod(node, owner);
        }
        int[] function = {nameLine(node), 1};
        functions.add(function);
        return super.visitMethod(node, function);
    }

    private int nameLine(MethodTree node) {
        // The parser keeps no place for the name: it is what stands before the first parenthesis after the annotations and type.
        Tree before = node.getReturnType() != null ? node.getReturnType() : node.getModifiers();
        long from = Math.max(positions.getEndPosition(unit, before), positions.getStartPosition(unit, node));
        for (TypeParameterTree parameter : node.getTypeParameters()) {
            from = Math.max(from, positions.getEndPosition(unit, parameter));
        }
        try {
            CharSequence text = unit.getSourceFile().getCharContent(true);
            int at = (int) from;
            while (!Character.isJavaIdentifierStart(text.charAt(at))) {
                at++;
            }
            return (int) unit.getLineMap().getLineNumber(at);
        } catch (java.io.IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }

    @Override
    public Void scan(Tree node, int[] owner) {
        if (node != null) {
            switch (node.getKind()) {
                case IF, FOR_LOOP, ENHANCED_FOR_LOOP, WHILE_LOOP, DO_WHILE_LOOP, CATCH, CONDITIONAL_EXPRESSION,
                        CONDITIONAL_AND, CONDITIONAL_OR -> owner[1]++;
                case CASE -> owner[1] += node.toString().startsWith("default") ? 0 : 1;
                default -> { }
            }
        }
        return super.scan(node, owner);
    }
}
