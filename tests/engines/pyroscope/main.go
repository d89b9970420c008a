// A store of Pyroscope's push API: its own generated service and messages, strictly read, and nothing of ours.
//
// pyroscope ADDRESS FOLDER: each profile becomes a line of JSON in FOLDER/held.jsonl before it is acknowledged, and a file of its own as it came.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"connectrpc.com/connect"
	googlev1 "github.com/grafana/pyroscope/api/gen/proto/go/google/v1"
	pushv1 "github.com/grafana/pyroscope/api/gen/proto/go/push/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/push/v1/pushv1connect"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Ours in a pprof, which others pass over.
const run = 1000

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

type frame struct {
	Name string
	File string
	Line int64
}

type row struct {
	Stack  []frame // leaf first
	Values []int64
	Labels map[string]string
}

type held struct {
	ID     string
	Labels map[string]string
	Types  []string
	Rows   []row
}

type store struct {
	lock   sync.Mutex
	folder string
	file   *os.File
}

func (s *store) Push(_ context.Context, request *connect.Request[pushv1.PushRequest]) (*connect.Response[pushv1.PushResponse], error) {
	if err := known(request.Msg.ProtoReflect()); err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	var lines bytes.Buffer
	for _, series := range request.Msg.Series {
		labels := map[string]string{}
		for _, pair := range series.Labels {
			if _, twice := labels[pair.Name]; twice || !labelName.MatchString(pair.Name) || pair.Value == "" {
				return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("label %q", pair.Name))
			}
			labels[pair.Name] = pair.Value
		}
		if labels["__name__"] == "" || labels["service_name"] == "" {
			return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("a series without a name"))
		}
		for _, sample := range series.Samples {
			profile, err := read(sample.RawProfile)
			if err != nil {
				return nil, connect.NewError(connect.CodeInvalidArgument, err)
			}
			profile.ID, profile.Labels = sample.ID, labels
			name := filepath.Join(s.folder, filepath.Base(sample.ID)+".pb.gz")
			if err := os.WriteFile(name, sample.RawProfile, 0o644); err != nil {
				return nil, connect.NewError(connect.CodeUnavailable, err)
			}
			if err := json.NewEncoder(&lines).Encode(profile); err != nil {
				return nil, err
			}
		}
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if _, err := s.file.Write(lines.Bytes()); err != nil {
		return nil, connect.NewError(connect.CodeUnavailable, err)
	}
	return connect.NewResponse(&pushv1.PushResponse{}), nil
}

// What the messages' schema does not know is an error, at whatever depth.
func known(message protoreflect.Message) (err error) {
	for rest := message.GetUnknown(); len(rest) > 0; {
		number, _, size := protowire.ConsumeField(rest)
		if size < 0 || number != run {
			return fmt.Errorf("%s has an unknown field %d", message.Descriptor().FullName(), number)
		}
		rest = rest[size:]
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Message() == nil:
		case field.IsList():
			for at := 0; at < value.List().Len() && err == nil; at++ {
				err = known(value.List().Get(at).Message())
			}
		case !field.IsMap():
			err = known(value.Message())
		}
		return err == nil
	})
	return err
}

func read(packed []byte) (*held, error) {
	unpacking, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(unpacking)
	if err != nil {
		return nil, err
	}
	profile := &googlev1.Profile{}
	if err := proto.Unmarshal(raw, profile); err != nil {
		return nil, err
	}
	if err := known(profile.ProtoReflect()); err != nil {
		return nil, err
	}
	texts := profile.StringTable
	if len(texts) == 0 || texts[0] != "" {
		return nil, fmt.Errorf("the first text is not empty")
	}
	functions := map[uint64]*googlev1.Function{}
	for _, function := range profile.Function {
		if function.Id == 0 || functions[function.Id] != nil {
			return nil, fmt.Errorf("function %d", function.Id)
		}
		functions[function.Id] = function
	}
	locations := map[uint64]*googlev1.Location{}
	for _, location := range profile.Location {
		if location.Id == 0 || locations[location.Id] != nil {
			return nil, fmt.Errorf("location %d", location.Id)
		}
		locations[location.Id] = location
	}
	made := &held{}
	for _, kind := range profile.SampleType {
		made.Types = append(made.Types, texts[kind.Type]+" "+texts[kind.Unit])
	}
	for _, sample := range profile.Sample {
		if len(sample.Value) != len(made.Types) {
			return nil, fmt.Errorf("%d values of %d types", len(sample.Value), len(made.Types))
		}
		one := row{Values: sample.Value, Labels: map[string]string{}}
		for _, id := range sample.LocationId {
			location := locations[id]
			if location == nil {
				return nil, fmt.Errorf("no location %d", id)
			}
			for _, line := range location.Line {
				function := functions[line.FunctionId]
				if function == nil {
					return nil, fmt.Errorf("no function %d", line.FunctionId)
				}
				one.Stack = append(one.Stack, frame{texts[function.Name], texts[function.Filename], line.Line})
			}
		}
		for _, label := range sample.Label {
			one.Labels[texts[label.Key]] = texts[label.Str]
		}
		made.Rows = append(made.Rows, one)
	}
	return made, nil
}

func main() {
	file, err := os.OpenFile(filepath.Join(os.Args[2], "held.jsonl"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(pushv1connect.NewPusherServiceHandler(&store{folder: os.Args[2], file: file}))
	log.Print("ready")
	log.Fatal(http.ListenAndServe(os.Args[1], mux))
}
