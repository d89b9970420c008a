package frontend

import (
	"context"
	"errors"

	"connectrpc.com/connect"
	vcsv1 "github.com/grafana/pyroscope/api/gen/proto/go/vcs/v1"
)

// GetCommits is what the generated API, of a later release than the server, asks for, too.
func (f *Frontend) GetCommits(context.Context, *connect.Request[vcsv1.GetCommitsRequest]) (*connect.Response[vcsv1.GetCommitsResponse], error) {
	return nil, connect.NewError(connect.CodeUnimplemented, errors.New("not here"))
}
