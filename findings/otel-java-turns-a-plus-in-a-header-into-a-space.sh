#!/usr/bin/env bash
# OpenTelemetry for Java 1.68.0: of OTEL_EXPORTER_OTLP_HEADERS, a "+" is sent as a space; one and the same variable logs in a Python service, and no Java service.
#
# Expected: the variable is written as W3C baggage, as the specification says: %2B and %20 are decoded, "+" is a character like others. An authorization of base64, "Basic YWRhOn4+fj4=", reaches the
#           server as it is.
# Happens:  Java decodes the value as a form of a page, where "+" means a space. The token is another one and is refused, but only if it has a "+" in it, as two of three
#           random tokens of 64 characters do: it works until the password is changed. %2B instead of "+" works in all languages.
# Seen (opentelemetry-exporter-otlp-proto-http 1.45.2, CPython 3.11.7; OpenJDK 17.0.15):
#   "Python sends: Basic YWRhOn4+fj4="
#   "Java sends:   Basic YWRhOn4 fj4="
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs mvn and a JDK of 17 or newer).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac >/dev/null || { echo "no JDK"; exit 2; }
cat >pom.xml <<'X'
<project>
  <modelVersion>4.0.0</modelVersion><groupId>example</groupId><artifactId>example</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>io.opentelemetry</groupId><artifactId>opentelemetry-sdk-extension-autoconfigure</artifactId><version>1.68.0</version></dependency>
    <dependency><groupId>io.opentelemetry</groupId><artifactId>opentelemetry-exporter-otlp</artifactId><version>1.68.0</version></dependency>
  </dependencies>
</project>
X
{ mvn -q -B dependency:copy-dependencies -DoutputDirectory=jars && python3 -m pip install --quiet --target wheels opentelemetry-exporter-otlp-proto-http==1.45.2; } >log 2>&1 || { cat log; exit 2; }
cat >Send.java <<'J'
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import java.util.concurrent.TimeUnit;

public class Send {
    public static void main(String[] words) {
        var sdk = AutoConfiguredOpenTelemetrySdk.initialize().getOpenTelemetrySdk();
        sdk.getTracer("example").spanBuilder("example").startSpan().end();
        sdk.getSdkTracerProvider().forceFlush().join(10, TimeUnit.SECONDS);
        System.exit(0);
    }
}
J
cat >send.py <<'P'
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
provider.get_tracer("example").start_span("example").end()
P
cat >serve.py <<'P'
import http.server
import os
import subprocess
import sys
import threading

sent = {}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        sent[asked] = self.headers["Authorization"]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
token = "Basic YWRhOn4+fj4="
environment = os.environ | {
    "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={token}",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "PYTHONPATH": "wheels",
}
for asked, command in (("Python", [sys.executable, "send.py"]), ("Java", ["java", "-cp", "jars/*", "Send.java"])):
    subprocess.run(command, env=environment, check=True)
    print(f"{asked} sends:".ljust(13), sent[asked])
raise SystemExit(0 if sent == {"Python": token, "Java": token.replace("+", " ")} else 1)
P
python3 serve.py
